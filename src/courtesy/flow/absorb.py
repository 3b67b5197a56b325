"""The life of a batch: inbox → events → people → history → journeys, in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import structlog

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.fetches import judge_fetches, keep_fetches
from courtesy.flow.flags.viewed import expose_viewers, known_of_viewers
from courtesy.flow.trigger import Turn, trigger_journeys
from courtesy.ground.lake.epoch import current_writer, land, landing
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import CourtesyError
from courtesy.stages import profiles
from courtesy.stages.events import EVENTS, PERSON, Rejection, read
from courtesy.stages.events import store as events_store
from courtesy.stages.events.ids import leave_out_false_ids
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import CHANNELS
from courtesy.stages.messages import store as messages_store
from courtesy.stages.profiles import store as profiles_store

_BATCHES = 200
_BYTES = 4 * 2**20
_log = structlog.get_logger("courtesy.absorb")


@dataclass(frozen=True)
class Absorbed:
    """How many events were new, and how many had been seen before.

    ``grants_without_effect``: of the new, grants of consent that a withdrawal beats.
    """

    added: int = 0
    duplicates: int = 0
    grants_without_effect: int = 0

    def __add__(self, other: "Absorbed") -> "Absorbed":
        return Absorbed(
            self.added + other.added,
            self.duplicates + other.duplicates,
            self.grants_without_effect + other.grants_without_effect,
        )


def absorb(app: App) -> Absorbed:
    """Take everything that waits in the inbox into people, history and journeys.

    Interrupted at any point, it can be run again: what the lake already has of a batch is not
    added twice, and nothing of a batch counts before all of it does.

    Raises:
        HomeError: the disk is full or the ledger is locked; the inbox keeps what was not taken.
    """
    now = app.clock.now()
    total = _absorb_inbox(app)
    return total + _absorb_inbox(app) if judge_fetches(app, now) else total


def _absorb_inbox(app: App) -> Absorbed:
    total = Absorbed()
    while (taken := _next(app)) is not None:
        total += taken
    return total


def _next(app: App) -> Absorbed | None:
    """The next batches together; where they cannot be taken, one alone, or that one set aside."""
    try:
        return _absorb_some(app, _BATCHES)
    except CourtesyError:
        raise
    except Exception:  # noqa: BLE001 - one bad batch must not stop all that follow
        _log.exception("batches could not be taken together")
    try:
        return _absorb_some(app, 1)
    except CourtesyError:
        raise
    except Exception as error:  # noqa: BLE001 - same
        _log.exception("a batch was set aside")
        return _set_aside(app, error)


def _set_aside(app: App, error: Exception) -> Absorbed:
    """Keep a batch that trips us among the rejections, whole, so that others can go on."""
    with app.ledger.write() as transaction:
        batch = _waiting(app, transaction, 1).row(0, named=True)
        place = f"inbox {batch['inbox_id']}"
        reason = f"It could not be read ({type(error).__name__})."
        body = batch["body"].decode(errors="replace")
        rejection = Rejection(place, reason, body)
        events_store.reject(transaction, batch["source"], batch["received_at"], [rejection])
        events_store.done(transaction, batch["inbox_id"])
    return Absorbed()


def _absorb_some(app: App, limit: int) -> Absorbed | None:
    with app.ledger.write() as transaction:
        waiting = _waiting(app, transaction, limit)
        if waiting.is_empty():
            return None
        upto = int(waiting["inbox_id"].to_list()[-1])
        arrived = keep_fetches(transaction, read(waiting))
        unseen = events_store.unseen(transaction, arrived)
        fresh = _usable(transaction, unseen)
        without_effect = 0
        if not fresh.is_empty():
            newest = waiting.row(-1, named=True)
            without_effect = take(
                app, transaction, fresh, partial(_append, app, transaction, newest)
            )
        events_store.done(transaction, upto)
    return Absorbed(len(unseen), len(arrived) - len(unseen), without_effect)


def _usable(transaction: Transaction, unseen: pl.DataFrame) -> pl.DataFrame:
    """The events that are somebody's; what is no id in them is left out and told."""
    usable, notices = leave_out_false_ids(unseen)
    for event, notice in notices:
        events_store.reject(transaction, event["source"], event["received_at"], [notice])
    return usable


def _waiting(app: App, transaction: Transaction, limit: int) -> pl.DataFrame:
    """The next batches; after a crash first exactly those that the lake already has."""
    came = app.lake.version(EVENTS, current_writer(transaction, EVENTS))
    landed = max(events_store.number_of(came), landing(transaction, EVENTS).inherited)
    again = events_store.waiting(transaction, upto=landed, limit=limit)
    found = again if len(again) else events_store.waiting(transaction, upto=None, limit=limit)
    size = found["body"].bin.size().cum_sum()
    return found.head(
        max(1, int((size <= _BYTES).sum()))
    )  # who waits for the ledger, waits so long


def take(
    app: App,
    transaction: Transaction,
    fresh: pl.DataFrame,
    append: Callable[[pl.DataFrame], None],
) -> int:
    """Take events that nobody has seen into people, history and journeys.

    Args:
        app: the wired application.
        transaction: of the ledger.
        fresh: ``NORMALISED`` rows.
        append: has the lake keep the rows of ``EVENTS`` that are behaviour.

    Returns:
        How many grants of consent have no effect, since their people withdrew.
    """
    now = app.clock.now()
    known = profiles_store.known(transaction, fresh)
    identified = profiles.identify(fresh, known)
    profiles_store.put_identified(transaction, identified, now)
    before = known_of_viewers(transaction, identified.events)
    traits = profiles.fold(identified.events)
    profiles_store.put_traits(transaction, traits)
    journeys_store.merge(transaction, identified.merges)
    messages_store.merge(transaction, identified.merges)
    without_effect = _declare(app, transaction, identified, traits)
    behaviour = identified.events.filter(pl.col("type") != PERSON)
    append(behaviour)
    expose_viewers(app, transaction, identified.events, before)
    live = behaviour.filter(~pl.col("history"))
    if not live.is_empty():
        turn = Turn(app, transaction, workspace.in_force(transaction), now)
        trigger_journeys(turn, live)
    events_store.mark_seen(transaction, fresh)
    return without_effect


def _declare(
    app: App, transaction: Transaction, identified: profiles.Identified, traits: pl.DataFrame
) -> int:
    """Keep what people allow and forbid; returns how many grants a withdrawal beats."""
    declared = profiles.declared_consents(identified.events)
    consents = declared.consents
    profiles_store.put_consents(transaction, consents)
    for notice in declared.notices:
        event = notice.event
        events_store.reject(transaction, event["source"], event["received_at"], [notice.rejection])
    addressed = traits.filter(pl.col("name").is_in(sorted(CHANNELS)))
    merged = identified.merges.select(pl.col("into_id").alias("person_id"))
    people = pl.concat([consents.select("person_id"), addressed.select("person_id"), merged])
    if not people.is_empty():
        messages_store.put_address_consents(transaction, consents, people.unique(), app.secret)
    return len(profiles_store.grants_without_effect(transaction, consents, app.clock.now()))


def _append(
    app: App, transaction: Transaction, newest: Mapping[str, Any], behaviour: pl.DataFrame
) -> None:
    """Have the lake keep what ends with the batch ``newest``, but what it had before the epoch."""
    if behaviour.is_empty() or newest["inbox_id"] <= landing(transaction, EVENTS).inherited:
        return
    writer = current_writer(transaction, EVENTS)
    version = events_store.version_of(newest)
    commits = app.lake.append(EVENTS, behaviour, writer=writer, version=version)
    land(transaction, EVENTS, version, commits)
