"""What events set off: invitations into journeys, and ways out of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

from courtesy.app import App
from courtesy.flow.holdouts import cluster
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import AllOf, AnyOf, Condition, Did, compile_conditions, mentions
from courtesy.stages.audiences import evaluate
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import CANDIDATES, ENROLLMENTS, Journey, enter
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.journeys.model import EXIT, GOAL
from courtesy.workspace import Workspace

_INSTANT = pl.Datetime("us", "UTC")
_PROMPT = timedelta(seconds=10)
"""An event told sooner than this is taken not to be overtaken: looking it up costs every entry."""
_NEVER = pl.lit(None, dtype=_INSTANT)
_ENDED = pl.Schema({"person_id": pl.String(), "journey": pl.String(), "moment": _INSTANT})
"""Whose passage ended, and by what happened when; null where that is not known."""


@dataclass(frozen=True)
class Turn:
    """Where triggers act: the application, the open transaction, what is in force, the time."""

    app: App
    transaction: Transaction
    definitions: Workspace
    now: datetime


def trigger_journeys(turn: Turn, events: pl.DataFrame, *, in_order: bool = False) -> int:
    """Let events end passages through journeys, and begin new ones; returns how many began.

    By the order of time, whatever the order of the rows: the event that ends somebody's passage may
    begin their next one, what happened before cannot.

    Args:
        turn: the transaction that the events belong to, and its surroundings.
        events: ``person_id, event, properties, occurred_at, message_id`` of n events that just
            happened.
        in_order: nothing that happened after one of them was given before.
    """
    ended = _leave(turn, _affected(turn, events), events)
    entered = [
        _invite(turn, journey, events, ended, "left")
        for journey in turn.definitions.journeys.values()
    ]
    total = sum(map(len, entered))
    while any(map(len, entered)):
        concerned = _overtaken(turn, pl.concat(entered), events, in_order=in_order)
        ended = _leave(turn, concerned, events)
        entered = [
            _invite(turn, journey, events, ended, "inner")
            for journey in turn.definitions.journeys.values()
            if journey.entry.again is not None
        ]
        total += sum(map(len, entered))
    return total


def admit(turn: Turn, journey: Journey, candidates: pl.DataFrame) -> pl.DataFrame:
    """Enroll those of the candidates for whom the entry's condition holds; returns who entered."""
    if journey.name in journeys_store.states(turn.transaction):
        return pl.DataFrame(schema=ENROLLMENTS)
    if journey.entry.condition is not None:
        candidates = _holding(turn, journey.entry.condition, candidates)
    standing = journeys_store.standing(turn.transaction, journey.name, candidates)
    people = candidates.select("person_id").unique()
    units = experiments_store.units_of(turn.transaction, people, cluster(turn.definitions))
    version = turn.definitions.numbers[journey.name]
    enrollments = enter(candidates, standing, journey, version, turn.now, units)
    journeys_store.put(turn.transaction, enrollments)
    return enrollments


def watched(definitions: Workspace) -> set[str]:
    """The names of the events that invite into journeys or lead out of them."""
    invitations = {journey.entry.event for journey in definitions.journeys.values()}
    endings = {name for journey in definitions.versions.values() for name in _watched(journey)}
    return {name for name in invitations if name is not None} | endings


def _invite(
    turn: Turn,
    journey: Journey,
    events: pl.DataFrame,
    ended: pl.DataFrame,
    how: Literal["left", "inner"],
) -> pl.DataFrame:
    """Enroll whom events invite that are not before the end (``_ENDED``) of their last passage.

    Joined ``left`` to the ends everybody may come, ``inner`` only those whose passage ended.
    """
    ends = ended.filter(pl.col("journey") == journey.name).select("person_id", "moment")
    if how == "inner" and ends.is_empty():
        return pl.DataFrame(schema=ENROLLMENTS)
    candidates = _candidates(turn, journey, events)
    free = candidates.join(ends, on="person_id", how=how, maintain_order="left").filter(
        pl.col("moment").is_null() | (pl.col("occurred_at") >= pl.col("moment"))
    )
    if free.is_empty():
        return pl.DataFrame(schema=ENROLLMENTS)
    return admit(turn, journey, free.drop("moment"))


def _candidates(turn: Turn, journey: Journey, events: pl.DataFrame) -> pl.DataFrame:
    entry = journey.entry
    if entry.event is None:
        return pl.DataFrame(schema=CANDIDATES)
    recent = pl.col("occurred_at") >= turn.now - entry.within
    found = events.filter((pl.col("event") == entry.event) & recent)
    if entry.where is not None and not found.is_empty():
        found = matching(turn, entry.where, found)
    return found.select(
        "person_id",
        pl.col("properties").alias("entry"),
        "occurred_at",
        pl.col("message_id").alias("entry_event_id"),
    )


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
    facts = evaluate(turn.transaction, turn.app.engine, {"holds": condition}, given, turn.now)
    holding = facts.filter(pl.col("holds")).select(pl.col("subject_id").alias("row"))
    return numbered.join(holding, on="row", how="semi", maintain_order="left").drop("row")


def _affected(turn: Turn, events: pl.DataFrame) -> pl.DataFrame:
    """The active enrollments whose goal or exit these events may have brought about."""
    found = [pl.DataFrame(schema={"person_id": pl.String(), "journey": pl.String()})]
    for journey in turn.definitions.versions.values():
        names = _watched(journey)
        people = events.filter(pl.col("event").is_in(names)).select("person_id").unique()
        found.append(people.with_columns(pl.lit(journey.name).alias("journey")))
    pairs = pl.concat(found).unique()
    if pairs.is_empty():
        return pl.DataFrame(schema=ENROLLMENTS)
    return journeys_store.active_of(turn.transaction, pairs)


def _overtaken(
    turn: Turn, newcomers: pl.DataFrame, events: pl.DataFrame, *, in_order: bool
) -> pl.DataFrame:
    """Of those who just entered, whose goal or exit may have come about already.

    Either by the events given, or by earlier ones that came faster than the entry.
    """
    pairs = [
        (journey.name, name)
        for journey in turn.definitions.journeys.values()
        for name in _watched(journey)
    ]
    watched = pl.DataFrame(pairs, {"journey": pl.String(), "event": pl.String()}, orient="row")
    happened = events.join(watched, on="event").join(newcomers, on=("person_id", "journey"))
    after = happened.filter(
        (pl.col("occurred_at") >= pl.col("entered_at"))
        & (pl.col("message_id") != pl.col("entry_event_id"))
    )
    late = pl.lit(value=False) if in_order else pl.col("entered_at") < turn.now - _PROMPT
    known = pl.col("enrollment_id").is_in(after["enrollment_id"].implode())
    watching = pl.col("journey").is_in(watched["journey"].implode())
    return newcomers.filter(watching & (known | late))


def _leave(turn: Turn, enrollments: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """End those whose goal or exit came about since their entry: ``_ENDED`` rows."""
    conditions = _endings(turn.definitions, enrollments)
    if not conditions:
        return pl.DataFrame(schema=_ENDED)
    ended = _fulfilled(turn, conditions, enrollments.with_columns(_NEVER.alias("until")))
    journeys_store.end(turn.transaction, ended, turn.now)
    return _ends(turn, conditions, ended, events)


def _fulfilled(
    turn: Turn, conditions: dict[str, Condition], passages: pl.DataFrame
) -> pl.DataFrame:
    """The ``ENROLLMENTS`` rows with ``until`` for which a condition of their own held by then.

    Their ``reason`` is which; the goal goes before the exit.
    """
    numbered = passages.with_row_index("row").with_columns(pl.col("row").cast(pl.String))
    given = numbered.select(
        pl.col("row").alias("subject_id"),
        "person_id",
        pl.col("entered_at").alias("since"),
        "entry",
        "entry_event_id",
        "until",
    )
    facts = evaluate(turn.transaction, turn.app.engine, conditions, given, turn.now, anchored=True)
    known = numbered.join(facts.drop("person_id"), left_on="row", right_on="subject_id")
    own = pl.concat_str("journey", pl.lit("/"), "version", pl.lit("/"))
    reason = pl.lit(None, dtype=pl.String)
    for column in sorted(conditions, key=lambda name: name.endswith(f"/{GOAL}")):
        word = pl.lit(column.rsplit("/", 1)[1])
        reason = pl.when(pl.col(column) & (own + word == column)).then(word).otherwise(reason)
    ended = known.with_columns(reason.alias("reason")).filter(pl.col("reason").is_not_null())
    return ended.select(passages.columns)


def _ends(
    turn: Turn, conditions: dict[str, Condition], ended: pl.DataFrame, events: pl.DataFrame
) -> pl.DataFrame:
    """When passages ended, of those whose people these events may invite again: ``_ENDED`` rows.

    Null where none of the events brought it about, or nobody is going to ask.
    """
    again = [
        (name, journey.entry.event)
        for name, journey in turn.definitions.journeys.items()
        if journey.entry.again is not None
    ]
    entries = pl.DataFrame(again, {"journey": pl.String(), "event": pl.String()}, orient="row")
    invitations = events.join(entries, on="event").select("person_id", "journey", "occurred_at")
    later = ended.join(invitations, on=("person_id", "journey")).filter(
        pl.col("occurred_at") > pl.col("entered_at")
    )
    asked = ended.join(later, on="enrollment_id", how="semi").drop("until")
    moments = events.select("person_id", pl.col("occurred_at").alias("until")).unique()
    tried = asked.join(moments, on="person_id").filter(pl.col("until") >= pl.col("entered_at"))
    if tried.is_empty():
        return ended.select("person_id", "journey", _NEVER.alias("moment"))
    first = (
        _fulfilled(turn, conditions, tried)
        .group_by("enrollment_id")
        .agg(pl.col("until").min().alias("moment"))
    )
    return ended.join(first, on="enrollment_id", how="left").select(_ENDED.names())


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
        watched = _watched(journey)
        for reason, condition in ((GOAL, _goal(journey)), (EXIT, journey.exit)):
            if condition is not None and watched:
                found[f"{name}/{version}/{reason}"] = _after_entry(condition, watched)
    return found


def _after_entry(condition: Condition, watched: list[str]) -> Condition:
    """The condition, as soon as anything that a journey watches has happened since the entry."""
    if isinstance(condition, Did) and condition.at_least:
        return condition
    return AllOf((AnyOf(tuple(Did(name) for name in watched)), condition))


def asked_of(enrollments: pl.DataFrame) -> pl.DataFrame:
    """Enrollments as the subjects that conditions are asked about, each since its entry."""
    return enrollments.select(
        pl.col("enrollment_id").alias("subject_id"),
        "person_id",
        pl.col("entered_at").alias("since"),
        "entry",
    )
