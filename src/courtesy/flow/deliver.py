"""One delivery: what is due in the outbox is judged again, rendered and handed to its channel."""

from dataclasses import dataclass

import polars as pl

from courtesy import workspace
from courtesy.app import App, missing_to_send
from courtesy.stages.messages import Policy, State
from courtesy.stages.messages import store as messages_store
from courtesy.stages.messages.deliver import IN_FLIGHT, Prepared, hand_over, outcomes, prepare
from courtesy.stages.messages.links import Links


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

    Nothing is touched while a mail server or a public address is missing.

    Raises:
        HomeError: the disk is full or the ledger is locked; what was at a channel then is found
            by ``recover``.
    """
    if missing := missing_to_send(app):
        return Delivered(provider_failure=" ".join(missing) if _is_due(app) else None)
    total = Delivered()
    while (batch := _claim(app)) is not None:
        total += _hand_over(app, *batch)
    return total


def recover(app: App) -> int:
    """Mark the messages that a crash left in flight as uncertain; returns how many."""
    with app.ledger.write() as transaction:
        return messages_store.recover(transaction)


def _is_due(app: App) -> bool:
    with app.ledger.read() as transaction:
        due = messages_store.next_due(transaction)
    return due is not None and due <= app.clock.now()


def _claim(app: App) -> tuple[Prepared, Policy] | None:
    now = app.clock.now()
    with app.ledger.write() as transaction:
        definitions = workspace.in_force(transaction)
        policy = definitions.policy
        if policy is None:
            return None
        claimed = messages_store.claim(transaction, now, IN_FLIGHT)
        if claimed.is_empty():
            return None
        facts = messages_store.facts(
            transaction, claimed, policy, app.secret, now, at_hand_off=True
        )
    links = Links(app.secret, app.settings.public_url)
    return prepare(claimed, facts, definitions.templates, policy, links, now), policy


def _hand_over(app: App, batch: Prepared, policy: Policy) -> Delivered:
    now = app.clock.now()
    receipts = app.runner.run(hand_over(batch.letters, app.channels))
    found = pl.concat([batch.kept_back, outcomes(batch.letters, receipts, now)])
    with app.ledger.write() as transaction:
        messages_store.settle(transaction, found, now, policy.costs)
    sent = found.filter(pl.col("state") == State.SENT).height
    return Delivered(sent, found.height - sent)
