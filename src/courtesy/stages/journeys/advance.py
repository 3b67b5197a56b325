"""One tick: who is due goes on, through as many steps as need no waiting."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from courtesy.ground.primitives.ids import digest
from courtesy.stages.journeys.ahead import Journeys, column
from courtesy.stages.journeys.model import (
    ARMS,
    COMPLETED,
    END,
    ENDED,
    ENROLLMENTS,
    EXIT,
    INSTANT,
    INTENTS,
    PASSAGES,
    TRIALS,
    Branch,
    Exit,
    Journey,
    Send,
    Trial,
    Wait,
)
from courtesy.stages.journeys.trial import said, tried

_NOBODY = pl.DataFrame(schema=ARMS)
_NEVER = pl.lit(None, dtype=INSTANT)


@dataclass(frozen=True)
class Moves:
    """Where everybody stands now, what they passed and what should be said.

    ``trials`` are ``TRIALS`` rows: who passed a test, and in which arm.
    """

    enrollments: pl.DataFrame
    passages: pl.DataFrame
    sends: pl.DataFrame
    trials: pl.DataFrame


@dataclass
class _Tick:
    journeys: Journeys
    facts: pl.DataFrame
    arms: pl.DataFrame
    now: datetime
    rested: list[pl.DataFrame] = field(default_factory=list)
    passages: list[pl.DataFrame] = field(default_factory=list)
    sends: list[pl.DataFrame] = field(default_factory=list)
    trials: list[pl.DataFrame] = field(default_factory=list)


def advance(
    due: pl.DataFrame,
    journeys: Journeys,
    facts: pl.DataFrame,
    now: datetime,
    arms: pl.DataFrame = _NOBODY,
) -> Moves:
    """Move everybody who is due.

    Args:
        due: ``ENROLLMENTS`` rows that are active and due, n rows.
        journeys: the checked definition of each (journey, version) among them.
        facts: ``subject_id`` (an enrollment) and one boolean column for each of
            ``conditions_ahead``.
        now: the present instant; waits count from it.
        arms: ``ARMS`` rows of ``tests_ahead``; who is not among them gets the control, unexposed.

    Returns:
        n enrollments as they stand after this tick, with their passages, sends and tests.
    """
    tick = _Tick(journeys, facts, arms, now)
    moving = due
    while not moving.is_empty():
        moving = pl.concat([_step(tick, group) for _, group in _groups(moving)])
    return Moves(
        pl.concat([due.clear(), *tick.rested]).select(list(ENROLLMENTS)),
        pl.concat([pl.DataFrame(schema=PASSAGES), *tick.passages]),
        pl.concat([pl.DataFrame(schema=INTENTS), *tick.sends]),
        pl.concat([pl.DataFrame(schema=TRIALS), *tick.trials]),
    )


def _groups(moving: pl.DataFrame) -> Iterator[tuple[object, pl.DataFrame]]:
    return iter(moving.group_by("journey", "version", "step", maintain_order=True))


def _step(tick: _Tick, group: pl.DataFrame) -> pl.DataFrame:
    """Take a group that stands at one step through it; returns those who can go on at once."""
    journey, version, step = group.select("journey", "version", "step").row(0)
    definition = tick.journeys[journey, version]
    if step == END:
        return _rest(tick, _ended(group, COMPLETED, tick.now))
    node = definition.nodes[step]
    if isinstance(node, Send):
        sends = _sends(group, node, definition, tick.now)
        tick.sends.append(sends)
        spoken = pl.col("enrollment_id").is_in(sends["enrollment_id"].implode())
        outcome = pl.when(spoken).then(pl.lit("said")).otherwise(pl.lit("silent"))
        return _pass(tick, group, outcome, pl.lit(node.after))
    if isinstance(node, Wait):
        until = tick.now + node.length
        waiting = _pass(tick, group, pl.lit("waited"), pl.lit(node.after))
        return _rest(tick, waiting.with_columns(pl.lit(until, dtype=INSTANT).alias("due_at")))
    if isinstance(node, Exit):
        _pass(tick, group, pl.lit("left"), pl.lit(END))
        return _rest(tick, _ended(group, EXIT, tick.now))
    if isinstance(node, Trial):
        return _trial(tick, group, node)
    return _branch(tick, group, node)


def _trial(tick: _Tick, group: pl.DataFrame, node: Trial) -> pl.DataFrame:
    known = tried(group, node, tick.arms)
    passed = known.filter(pl.col("chosen").is_not_null()).select(
        "enrollment_id",
        "person_id",
        "journey",
        pl.lit(node.experiment).alias("experiment"),
        pl.col("chosen").alias("arm"),
        "exposed",
    )
    tick.trials.append(passed)
    outcome = pl.concat_str(pl.lit("arm "), "chosen").fill_null("no arm")
    target = pl.col("chosen").replace_strict(node.ways, default=node.after, return_dtype=pl.String)
    return _pass(tick, known, outcome, target).drop("chosen", "exposed")


def _branch(tick: _Tick, group: pl.DataFrame, node: Branch) -> pl.DataFrame:
    journey, version = group.select("journey", "version").row(0)
    columns = [column(journey, version, node.step, i) for i in range(len(node.options))]
    known = group.join(
        tick.facts.select("subject_id", *columns),
        left_on="enrollment_id",
        right_on="subject_id",
        how="left",
        maintain_order="left",
    )
    target, outcome = pl.lit(node.otherwise), pl.lit("otherwise")
    for index, (_, goes_to) in reversed(list(enumerate(node.options))):
        holds = pl.col(columns[index]).fill_null(value=False)
        target = pl.when(holds).then(pl.lit(goes_to)).otherwise(target)
        outcome = pl.when(holds).then(pl.lit(f"branch {index + 1}")).otherwise(outcome)
    return _pass(tick, known, outcome, target).drop(columns)


def _pass(tick: _Tick, group: pl.DataFrame, outcome: pl.Expr, after: pl.Expr) -> pl.DataFrame:
    passed = group.select(
        "enrollment_id",
        "step",
        outcome.alias("outcome"),
        pl.lit(tick.now, dtype=INSTANT).alias("passed_at"),
    )
    tick.passages.append(passed)
    return group.with_columns(after.alias("step"))


def _rest(tick: _Tick, group: pl.DataFrame) -> pl.DataFrame:
    """Let a group stay where it is; nobody of it goes on at once."""
    tick.rested.append(group)
    return group.clear()


def _ended(group: pl.DataFrame, reason: str, now: datetime) -> pl.DataFrame:
    return group.with_columns(
        pl.lit(END).alias("step"),
        pl.lit(ENDED).alias("state"),
        pl.lit(reason).alias("reason"),
        _NEVER.alias("due_at"),
        pl.lit(now, dtype=INSTANT).alias("ended_at"),
    )


def _sends(group: pl.DataFrame, node: Send, journey: Journey, now: datetime) -> pl.DataFrame:
    expires = now + node.expires if node.expires else None
    ids = [digest(enrollment, node.step) for enrollment in group["enrollment_id"]]
    return (
        said(group.with_columns(pl.Series("message_id", ids, dtype=pl.String)), node)
        .with_columns(
            pl.lit(journey.topic).alias("topic"),
            pl.lit(now, dtype=INSTANT).alias("created_at"),
            pl.lit(expires, dtype=INSTANT).alias("expires_at"),
            pl.lit(journey.priority, dtype=pl.Int64).alias("priority"),
        )
        .filter(pl.col("channels").list.len() > 0)
        .select(list(INTENTS))
    )
