"""One tick: who is due moves on; what should be said passes the gate into the outbox."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.trigger import asked_of
from courtesy.ground.ledger import Transaction
from courtesy.stages.audiences import evaluate
from courtesy.stages.experiments import HOLDOUT, TREATED
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import Moves, advance, conditions_ahead
from courtesy.stages.journeys import store as journeys_store
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
        if due.is_empty():
            return Ticked()
        definitions = workspace.in_force(transaction)
        moves = _moves(app, transaction, definitions, due, now)
        journeys_store.put_moves(transaction, moves)
        experiments_store.expose(transaction, _exposures(definitions, due, moves.sends))
        _queue(app, transaction, definitions, moves.sends, now)
    return Ticked(len(due), len(moves.sends))


def _moves(
    app: App, transaction: Transaction, definitions: Workspace, due: pl.DataFrame, now: datetime
) -> Moves:
    conditions = conditions_ahead(due, definitions.versions)
    given = asked_of(due)
    facts = given.select("subject_id")
    if conditions:
        facts = evaluate(transaction, app.engine, conditions, given, now)
    return advance(due, definitions.versions, facts, now)


def _exposures(definitions: Workspace, due: pl.DataFrame, sends: pl.DataFrame) -> pl.DataFrame:
    """The first moment at which people of journeys with a holdout could be treated differently."""
    tested = [name for name, journey in definitions.journeys.items() if journey.holdout]
    first = sends.filter(
        pl.col("journey").is_in(tested) & pl.col("arm").is_in([HOLDOUT, TREATED])
    ).join(due.select("enrollment_id", "entry"), on="enrollment_id", maintain_order="left")
    return first.select(
        pl.col("journey").alias("experiment"),
        "person_id",
        "arm",
        pl.col("created_at").alias("exposed_at"),
        "entry",
    )


def _queue(
    app: App, transaction: Transaction, definitions: Workspace, sends: pl.DataFrame, now: datetime
) -> None:
    if sends.is_empty() or definitions.policy is None:
        return
    facts = messages_store.facts(transaction, sends, definitions.policy, app.secret, now)
    verdicts = gate(sends, facts, definitions.policy, now)
    messages_store.queue(transaction, sends, verdicts, now)
