"""What events set off: invitations into journeys, and ways out of them."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from courtesy.app import App
from courtesy.flow.holdouts import cluster
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import Condition, compile_conditions, mentions
from courtesy.stages.audiences import evaluate
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import CANDIDATES, ENROLLMENTS, Journey, enter
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.journeys.model import EXIT, GOAL
from courtesy.workspace import Workspace

_INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Turn:
    """Where triggers act: the application, the open transaction, what is in force, the time."""

    app: App
    transaction: Transaction
    definitions: Workspace
    now: datetime


def invite(turn: Turn, events: pl.DataFrame) -> int:
    """Enroll those whom the events invite; returns how many.

    Args:
        turn: the transaction that the events belong to, and its surroundings.
        events: ``person_id, event, properties, occurred_at`` of n events that just happened.
    """
    entered = 0
    for journey in turn.definitions.journeys.values():
        candidates = _candidates(turn, journey, events)
        if not candidates.is_empty():
            entered += admit(turn, journey, candidates)
    return entered


def admit(turn: Turn, journey: Journey, candidates: pl.DataFrame) -> int:
    """Enroll those of the candidates for whom the entry's condition holds; returns how many."""
    if journey.name in journeys_store.states(turn.transaction):
        return 0
    if journey.entry.condition is not None:
        candidates = _holding(turn, journey.entry.condition, candidates)
    standing = journeys_store.standing(turn.transaction, journey.name, candidates)
    people = candidates.select("person_id").unique()
    units = experiments_store.units_of(turn.transaction, people, cluster(turn.definitions))
    version = turn.definitions.numbers[journey.name]
    enrollments = enter(candidates, standing, journey, version, turn.now, units)
    journeys_store.put(turn.transaction, enrollments)
    return len(enrollments)


def leave(turn: Turn, events: pl.DataFrame) -> int:
    """End the enrollments whose goal or exit the events brought about; returns how many."""
    concerned = _concerned(turn.definitions, events)
    if concerned.is_empty():
        return 0
    enrollments = journeys_store.active_of(turn.transaction, concerned)
    conditions = _endings(turn.definitions, enrollments)
    if not conditions:
        return 0
    given = asked_of(enrollments)
    facts = _evaluate(turn, conditions, given, anchored=True)
    ended = _ended(enrollments, facts, conditions)
    journeys_store.end(turn.transaction, ended, turn.now)
    return len(ended)


def watched(definitions: Workspace) -> set[str]:
    """The names of the events that invite into journeys or lead out of them."""
    invitations = {journey.entry.event for journey in definitions.journeys.values()}
    endings = {name for journey in definitions.versions.values() for name in _watched(journey)}
    return {name for name in invitations if name is not None} | endings


def entry_events(definitions: Workspace) -> set[str]:
    """The events with which people enter journeys: none of them is its own goal or exit."""
    entries = (journey.entry.event for journey in definitions.versions.values())
    return {event for event in entries if event is not None}


def _candidates(turn: Turn, journey: Journey, events: pl.DataFrame) -> pl.DataFrame:
    entry = journey.entry
    if entry.event is None:
        return pl.DataFrame(schema=CANDIDATES)
    recent = pl.col("occurred_at") >= turn.now - entry.within
    found = events.filter((pl.col("event") == entry.event) & recent)
    if entry.where is not None and not found.is_empty():
        found = matching(turn, entry.where, found)
    return found.select("person_id", pl.col("properties").alias("entry"), "occurred_at")


def matching(turn: Turn, where: Condition, events: pl.DataFrame) -> pl.DataFrame:
    """The events that a condition on their properties holds for, each looked at by itself."""
    numbered = events.with_row_index("row").with_columns(pl.col("row").cast(pl.String))
    alone = numbered.select(pl.col("row").alias("person_id"), "event", "occurred_at", "properties")
    given = numbered.select(
        pl.col("row").alias("subject_id"),
        pl.col("row").alias("person_id"),
        pl.lit(None, dtype=_INSTANT).alias("since"),
        pl.lit(None, dtype=pl.String).alias("entry"),
    )
    sql = compile_conditions({"matches": where}, turn.now)
    found = turn.app.engine.query(sql, frames={"given": given, "history": alone})
    matching = found.filter(pl.col("matches")).select(pl.col("subject_id").alias("row"))
    return numbered.join(matching, on="row", how="semi", maintain_order="left").drop("row")


def _holding(turn: Turn, condition: Condition, candidates: pl.DataFrame) -> pl.DataFrame:
    numbered = candidates.with_row_index("row").with_columns(pl.col("row").cast(pl.String))
    given = numbered.select(
        pl.col("row").alias("subject_id"),
        "person_id",
        pl.lit(None, dtype=_INSTANT).alias("since"),
        "entry",
    )
    facts = _evaluate(turn, {"holds": condition}, given)
    holding = facts.filter(pl.col("holds")).select(pl.col("subject_id").alias("row"))
    return numbered.join(holding, on="row", how="semi", maintain_order="left").drop("row")


def _evaluate(
    turn: Turn, conditions: dict[str, Condition], given: pl.DataFrame, *, anchored: bool = False
) -> pl.DataFrame:
    return evaluate(
        turn.transaction,
        turn.app.engine,
        conditions,
        given,
        turn.now,
        anchored=anchored,
        entries=entry_events(turn.definitions) if anchored else (),
    )


def _concerned(definitions: Workspace, events: pl.DataFrame) -> pl.DataFrame:
    """The pairs of person and journey whose goal or exit these events may have brought about."""
    found = [pl.DataFrame(schema={"person_id": pl.String(), "journey": pl.String()})]
    for journey in definitions.versions.values():
        names = _watched(journey)
        people = events.filter(pl.col("event").is_in(names)).select("person_id").unique()
        found.append(people.with_columns(pl.lit(journey.name).alias("journey")))
    return pl.concat(found).unique()


def _watched(journey: Journey) -> list[str]:
    watched = [condition for condition in (journey.exit, _goal(journey)) if condition is not None]
    return sorted({name for condition in watched for name in mentions(condition).events})


def _goal(journey: Journey) -> Condition | None:
    return journey.goal.condition if journey.goal else None


def _endings(definitions: Workspace, enrollments: pl.DataFrame) -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    for name, version in (
        enrollments.select("journey", "version").unique().sort(pl.all()).iter_rows()
    ):
        journey = definitions.versions[name, version]
        for reason, condition in ((GOAL, _goal(journey)), (EXIT, journey.exit)):
            if condition is not None:
                found[f"{name}/{version}/{reason}"] = condition
    return found


def asked_of(enrollments: pl.DataFrame) -> pl.DataFrame:
    """Enrollments as the subjects that conditions are asked about, each since its entry."""
    return enrollments.select(
        pl.col("enrollment_id").alias("subject_id"),
        "person_id",
        pl.col("entered_at").alias("since"),
        "entry",
    )


def _ended(
    enrollments: pl.DataFrame, facts: pl.DataFrame, conditions: dict[str, Condition]
) -> pl.DataFrame:
    """The enrollments for which a column of their own journey and version is true."""
    known = enrollments.join(facts, left_on="enrollment_id", right_on="subject_id")
    own = pl.concat_str("journey", pl.lit("/"), "version", pl.lit("/"))
    reason = pl.lit(None, dtype=pl.String)
    for column in sorted(conditions, key=lambda name: name.endswith(f"/{GOAL}")):
        mine = pl.col(column) & ((own + pl.lit(column.rsplit("/", 1)[1])) == column)
        reason = pl.when(mine).then(pl.lit(column.rsplit("/", 1)[1])).otherwise(reason)
    ended = known.with_columns(reason.alias("reason")).filter(pl.col("reason").is_not_null())
    return ended.select([*(name for name in ENROLLMENTS if name in ended.columns)])
