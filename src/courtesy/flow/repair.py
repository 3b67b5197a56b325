"""A ledger and a lake that do not belong together, made to: the ledger learns what the lake holds.

Each part can be done again; the new epoch, with which everything goes on, is the last of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from courtesy.app import PARTS, App
from courtesy.flow.absorb import take
from courtesy.flow.scratch import REPLAY
from courtesy.flow.tick import tick
from courtesy.ground.lake.epoch import begin_epoch, mark_epoch, writer
from courtesy.ground.lake.pair import mismatch
from courtesy.ground.ledger import Transaction, progress
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import EVENTS, NORMALISED, read
from courtesy.stages.events import store as events_store
from courtesy.stages.events.ids import leave_out_false_ids
from courtesy.stages.experiments import EXPOSURES, KEPT
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.messages import returns
from courtesy.stages.messages import store as messages_store
from courtesy.stages.messages.model import SENDS
from courtesy.stages.profiles import store as profiles_store

_ROWS = 50_000
_LISTED = "SELECT message_id FROM events ORDER BY received_at, message_id"
_ASKED = """
SELECT message_id, type, event, user_id, anonymous_id, NULL AS previous_id, NULL AS group_id,
       occurred_at, received_at, source, properties, context,
       CASE WHEN type = 'identify' THEN properties
            ELSE json_extract(context, '$.traits')::VARCHAR END AS traits,
       source LIKE 'import %' AS history
FROM events WHERE message_id IN (SELECT message_id FROM asked) ORDER BY received_at, message_id
"""
_SENT = f"""
SELECT properties ->> '$.message_id' AS message_id, person_id,
       properties ->> '$.journey' AS journey, properties ->> '$.step' AS step,
       properties ->> '$.template' AS template, properties ->> '$.topic' AS topic,
       properties ->> '$.channel' AS channel, json_extract(properties, '$.variant')::VARCHAR
       AS variant, occurred_at AS sent_at
FROM events WHERE event = '{returns.SENT}' AND source = '{returns.SOURCE}'
"""  # noqa: S608 - our own names
_EXPOSED = "SELECT * EXCLUDE (day) FROM exposures"


@dataclass(frozen=True)
class Found:
    """One thing that the repair looked for: how many there were, and what became of them."""

    what: str
    count: int
    done: str


@dataclass(frozen=True)
class Repaired:
    """Why the two did not belong together, and what was found; nothing where they did."""

    reason: str = ""
    found: tuple[Found, ...] = ()


def repair(app: App) -> Repaired:
    """Rebuild what the ledger lacks from the lake, and begin a new epoch for both.

    What only the ledger knows cannot be rebuilt: rows of imported people, calls that were accepted
    and had not come into the lake, and definitions.

    Args:
        app: wired by ``open_parts``; nobody else may write to this home meanwhile.

    Raises:
        HomeError: the disk is full or one of the two cannot be read; run it again to go on.
    """
    with app.ledger.write() as transaction:
        why = mismatch(transaction, app.lake, PARTS)
    if why is None:
        return Repaired()
    began = app.clock.now()
    listed = app.engine.query(_LISTED, tables=[EVENTS], frames={})
    found = [
        Found("Calls that wait, in the lake already", _relearn_waiting(app, listed), "taken once"),
        Found("Events that the ledger lacks", _learn(app, listed), "learned from the lake"),
        Found("Sends that the ledger lacks", _learn_sends(app), "marked as sent"),
        Found("Messages due, perhaps sent", _doubt(app, began), "uncertain, never repeated"),
        Found("Exposures that the ledger lacks", _learn_exposures(app), "learned from the lake"),
        Found("Exposures that the lake lacks", _give_exposures(app), "written to the lake"),
        Found("Events in the lake twice", len(listed) - listed.n_unique(), "left as they are"),
    ]
    if why.lacking:
        with app.ledger.write() as transaction:
            lost = events_store.forget_unlisted(transaction, listed)
        found.append(Found("Ids that are not in the lake", lost, "forgotten: import them again"))
    _begin(app)
    return Repaired(why.reason, tuple(found))


def _relearn_waiting(app: App, listed: pl.DataFrame) -> int:
    """Batches of an older ledger that the lake has had since: their events, whole, but the append.

    They still say more than the lake keeps of them.
    """
    count = after = 0
    while True:
        with app.ledger.write() as transaction:
            waiting = events_store.waiting(transaction, after=after, limit=100)
            if waiting.is_empty():
                return count
            after = int(waiting["inbox_id"].to_list()[-1])
            fresh, _ = leave_out_false_ids(events_store.unseen(transaction, read(waiting)))
            count += _learn_rows(app, transaction, fresh.join(listed, on="message_id", how="semi"))


def _learn(app: App, listed: pl.DataFrame) -> int:
    count = 0
    for ids in list(_unseen(app, listed)):
        found = app.engine.query(_ASKED, tables=[EVENTS], frames={"asked": ids})
        events = found.cast(NORMALISED)
        with app.ledger.write() as transaction:
            fresh = events_store.unseen(transaction, events)
            count += _learn_rows(app, transaction, fresh)
    return count


def _unseen(app: App, listed: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for ids in listed.iter_slices(_ROWS):
        with app.ledger.read() as transaction:
            unseen = events_store.unseen(transaction, ids)
        if not unseen.is_empty():
            yield unseen


def _learn_rows(app: App, transaction: Transaction, fresh: pl.DataFrame) -> int:
    if not fresh.is_empty():
        take(app, transaction, fresh, append=lambda _: None)
    return len(fresh)


def _learn_sends(app: App) -> int:
    sends = app.engine.query(_SENT, tables=[EVENTS], frames={}).cast(SENDS)
    first = sends.drop_nulls("message_id").unique("message_id", keep="first")
    with app.ledger.write() as transaction:
        return messages_store.put_sent(transaction, profiles_store.current(transaction, first))


def _doubt(app: App, began: datetime) -> int:
    """Have everything said that is due, and send none of it: it may have been sent before.

    A replay that is not at its end is not moved: the walk itself goes on from where it stood.
    """
    with app.ledger.read() as transaction:
        replayed = progress.reached(transaction, REPLAY) is not None
    if replayed:
        return 0
    tick(app)
    with app.ledger.write() as transaction:
        return messages_store.doubt(transaction, app.clock.now(), began)


def _learn_exposures(app: App) -> int:
    with app.ledger.write() as transaction:
        theirs = _exposed(app).join(
            _exposures(transaction), on=["experiment", "person_id"], how="anti"
        )
        experiments_store.expose(transaction, theirs.select(KEPT.names()))
        return len(theirs)


def _give_exposures(app: App) -> int:
    with app.ledger.write() as transaction:
        ours = _exposures(transaction)
        missing = ours.join(_exposed(app), on=["experiment", "person_id"], how="anti")
        mark = digest("repair", *missing["person_id"], *missing["experiment"])
        app.lake.append(EXPOSURES, missing, writer=writer(EXPOSURES, mark), version=1)
        return len(missing)


def _exposures(transaction: Transaction) -> pl.DataFrame:
    return experiments_store.since(transaction, 0, experiments_store.newest(transaction) + 1)


def _exposed(app: App) -> pl.DataFrame:
    return app.engine.query(_EXPOSED, tables=[EXPOSURES], frames={})


def _begin(app: App) -> None:
    with app.ledger.write() as transaction:
        exposures = experiments_store.newest(transaction)
        inherited = [(EVENTS, 0), (EXPOSURES, exposures)]
        epoch = begin_epoch(transaction, app.lake, inherited, app.clock.now())
    mark_epoch(app.lake, epoch)
