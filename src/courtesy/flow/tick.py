"""One tick: who is due moves on; what should be said passes the gate into the outbox.

Chance speaks first: tests and holdouts are dealt, and exposures kept, before the gate looks at
anything that could differ between the arms.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow import holdouts, trials
from courtesy.flow.kept import kept
from courtesy.flow.trigger import asked_of
from courtesy.ground.ledger import Transaction
from courtesy.stages.audiences import evaluate
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import Moves, advance, conditions_ahead
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import Policy
from courtesy.stages.messages import store as messages_store
from courtesy.stages.messages.gate import gate
from courtesy.workspace import Workspace

_PEOPLE = 20_000


@dataclass(frozen=True)
class Ticked:
    """How many enrollments moved, and how many things there were to say."""

    moved: int = 0
    said: int = 0

    def __add__(self, other: "Ticked") -> "Ticked":
        return Ticked(self.moved + other.moved, self.said + other.said)


def tick(app: App) -> Ticked:
    """Move everybody who is due now, and queue what should be said to them.

    Raises:
        HomeError: the disk is full or the ledger is locked; nobody of this batch moved.
    """
    total = Ticked()
    while (moved := _tick_some(app)).moved:
        total += moved
    return total


def _tick_some(app: App) -> Ticked:
    now = app.clock.now()
    with app.ledger.write() as transaction:
        due = journeys_store.due(transaction, now, _PEOPLE)
        definitions = workspace.in_force(transaction)
        if due.is_empty() or definitions.policy is None:
            # Without a policy nothing could be judged, so nobody passes a send.
            return Ticked()
        arms = trials.dealt(transaction, definitions, due, now)
        moves = _moves(app, transaction, definitions, due, arms, now)
        journeys_store.put_moves(transaction, moves)
        drawn = _drawn(transaction, definitions, due, moves)
        tried = trials.exposures(moves.trials, arms, drawn, now)
        exposed = pl.concat([holdouts.exposures(drawn, moves.sends), tried])
        experiments_store.expose(transaction, kept(transaction, definitions, exposed))
        said = holdouts.left_alone(moves.sends, drawn)
        _queue(app, transaction, definitions.policy, said, now)
    return Ticked(len(due), len(moves.sends))


def _moves(  # noqa: PLR0913, PLR0917 - all that moving depends on
    app: App,
    transaction: Transaction,
    definitions: Workspace,
    due: pl.DataFrame,
    arms: pl.DataFrame,
    now: datetime,
) -> Moves:
    conditions = conditions_ahead(due, definitions.versions)
    given = asked_of(due)
    facts = given.select("subject_id")
    if conditions:
        facts = evaluate(transaction, app.engine, conditions, given, now)
    return advance(due, definitions.versions, facts, now, arms)


def _drawn(
    transaction: Transaction, definitions: Workspace, due: pl.DataFrame, moves: Moves
) -> pl.DataFrame:
    """What the holdouts say of those who reached a send or a test."""
    reached = pl.concat([moves.sends["enrollment_id"], moves.trials["enrollment_id"]])
    concerned = due.filter(pl.col("enrollment_id").is_in(reached.implode()))
    return holdouts.drawn(transaction, definitions, concerned)


def _queue(
    app: App, transaction: Transaction, policy: Policy, sends: pl.DataFrame, now: datetime
) -> None:
    if sends.is_empty():
        return
    facts = messages_store.facts(transaction, sends, policy, app.secret, now)
    verdicts = gate(sends, facts, policy, now)
    messages_store.queue(transaction, sends, verdicts, now)
