"""One delivery: what is due in the outbox is judged again, rendered and handed to its channel."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import polars as pl
import structlog

from courtesy import workspace
from courtesy.app import App, missing_to_send
from courtesy.flow.halt import hold_back
from courtesy.flow.hold import keep_holds
from courtesy.ground.ledger import Transaction, leases
from courtesy.ground.primitives.errors import HomeError
from courtesy.stages.messages import Delivery, Letter, State
from courtesy.stages.messages import store as messages_store
from courtesy.stages.messages.deliver import (
    IN_FLIGHT,
    MOST_ATTEMPTS,
    Prepared,
    delivery_outcomes,
    hand_over,
    prepare,
)
from courtesy.stages.messages.links import Links
from courtesy.stages.messages.model import OUTCOMES
from courtesy.stages.messages.outbox import store as outbox

_RENEWAL = leases.LEASE / 3
_log = structlog.get_logger("courtesy.delivery")


@dataclass(frozen=True)
class Delivered:
    """How many messages the channels took, and how many were kept back, put off or failed.

    ``provider_failure`` says why nothing more can leave now, if so; what is due then waits
    unharmed.
    """

    sent: int = 0
    other: int = 0
    provider_failure: str | None = None

    def __add__(self, further: "Delivered") -> "Delivered":
        failure = further.provider_failure or self.provider_failure
        return Delivered(self.sent + further.sent, self.other + further.other, failure)


def deliver(app: App) -> Delivered:
    """Hand over everything that is due now, a bounded number at a time.

    Nothing is touched while a mail server or a public address is missing. Where a provider fails,
    what it did not take goes back to the queue as it was, and the delivery ends.

    Raises:
        HomeError: the disk is full or the ledger is locked; what was at a channel then is settled
            by the next call, before anything more is claimed.
    """
    settle(app)
    recover(app)
    _repeat_unanswered(app)
    total = Delivered()
    while not total.provider_failure and _is_due(app):
        if missing := missing_to_send(app):
            return Delivered(provider_failure=" ".join(missing))
        batch = _claim(app)
        if batch is None:
            settle(app)
            break
        total += _hand_over(app, batch)
    return total


def settle(app: App) -> pl.DataFrame:
    """Keep in the ledger what became of everything that this process claimed: ``OUTCOMES``.

    Raises:
        HomeError: the disk is full or the ledger is locked; call it again.
    """
    if not app.flight.open:
        return pl.DataFrame(schema=OUTCOMES)
    now = app.clock.now()
    outcomes = app.flight.outcomes(now)
    with app.ledger.write() as transaction:
        _settle(app, transaction, app.flight.worker, outcomes)
    app.flight.end()
    return outcomes


def recover(app: App) -> int:
    """Settle for workers that died what they had claimed; returns how many messages that were.

    What they never handed over is queued again; what a provider may have taken is uncertain, which
    is one message for each connection at the most. Nothing of a worker that lives is touched.
    """
    with app.ledger.read() as transaction:
        others = leases.leases(transaction)
    recovered = 0
    for worker, lease_until in others.items():
        if worker != app.flight.worker:
            recovered += _recover(app, worker, expired=lease_until < app.machine_clock.now())
    return recovered + _recover_unowned(app)


def _recover(app: App, worker: str, *, expired: bool) -> int:
    left = app.flight.abandoned(worker, app.clock.now(), expired=expired)
    if left is None:
        return 0
    unsure = left.outcomes.filter(pl.col("state") == State.UNCERTAIN).height
    with app.ledger.write() as transaction:
        if left.journaled:
            count = left.outcomes.height + _settle(app, transaction, worker, left.outcomes)
        else:
            count = unsure = outbox.doubt_claims(transaction, worker, app.clock.now())
        leases.end_lease(transaction, worker)
    app.flight.forget(worker)
    if count:
        _log.warning("worker died", worker=worker, messages=count, uncertain=unsure)
    return count


def _recover_unowned(app: App) -> int:
    """What a version without leases left in flight."""
    with app.ledger.read() as transaction:
        if not outbox.is_any_unowned(transaction):
            return 0
    with app.ledger.write() as transaction:
        return outbox.doubt_claims(transaction, "", app.clock.now())


def _settle(app: App, transaction: Transaction, worker: str, outcomes: pl.DataFrame) -> int:
    """Keep outcomes and give back the rest of what a worker claimed; returns how many that was."""
    policy = workspace.in_force(transaction).policy
    costs = policy.costs if policy else {}
    messages_store.settle(transaction, worker, outcomes, app.clock.now(), costs)
    return outbox.release(transaction, worker)


def _repeat_unanswered(app: App) -> None:
    """Queue uncertain messages again where the policy says so."""
    now = app.clock.now()
    with app.ledger.read() as transaction:
        policy = workspace.in_force(transaction).policy
        after = policy.uncertain.repeat_after if policy else None
        if after is None or not outbox.unanswered(transaction, now - after, MOST_ATTEMPTS):
            return
    with app.ledger.write() as transaction:
        found = outbox.unanswered(transaction, now - after, MOST_ATTEMPTS)
        count = outbox.repeat(transaction, found, now)
    _log.info("uncertain messages repeated", messages=count)


def _is_due(app: App) -> bool:
    with app.ledger.read() as transaction:
        due = messages_store.next_due(transaction)
    return due is not None and due <= app.clock.now()


def _claim(app: App) -> Prepared | None:
    now, flight = app.clock.now(), app.flight
    flight.begin()
    with app.ledger.write() as transaction:
        definitions = workspace.in_force(transaction)
        policy = definitions.policy
        if policy is None:
            return None
        leases.renew(transaction, flight.worker, app.machine_clock.now())
        hold_back(transaction)
        claimed = messages_store.claim(transaction, flight.worker, now, IN_FLIGHT)
        if claimed.is_empty():
            return None
        facts = messages_store.facts(
            transaction, claimed, policy, app.secret, now, at_hand_off=True
        )
    links = Links(app.secret, app.settings.public_url)
    return prepare(claimed, facts, definitions.template_of, policy, links, now)


def _hand_over(app: App, batch: Prepared) -> Delivered:
    app.flight.keep(batch.kept_back)
    deliveries = app.runner.run(_handed_over(app, batch.letters))
    app.flight.keep(delivery_outcomes(batch.letters, deliveries.values(), app.clock.now()))
    found = settle(app)
    failure = keep_holds(app, deliveries)
    sent = found.filter(pl.col("state") == State.SENT).height
    return Delivered(sent, found.height - sent, failure)


async def _handed_over(app: App, letters: Sequence[Letter]) -> Mapping[str, Delivery]:
    async with _renewing(app):
        return await hand_over(letters, app.channels, app.flight.journal)


@asynccontextmanager
async def _renewing(app: App) -> AsyncIterator[None]:
    """Keep the lease while a slow provider takes its time."""
    task = asyncio.create_task(_renew(app))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _renew(app: App) -> None:
    while True:
        await asyncio.sleep(_RENEWAL.total_seconds())
        try:
            await asyncio.to_thread(_renew_now, app)
        except HomeError as error:
            _log.warning("lease not renewed", error=error.message)


def _renew_now(app: App) -> None:
    with app.ledger.write() as transaction:
        leases.renew(transaction, app.flight.worker, app.machine_clock.now())
