"""For whom conditions hold: people and conditions in, one truth for each pair out."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from courtesy.ground.lake import Engine
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import Condition, compile_conditions
from courtesy.stages.audiences.model import GIVEN
from courtesy.stages.audiences.remembered import truths
from courtesy.stages.audiences.sources import gather
from courtesy.stages.audiences.store import Asked


def evaluate(  # noqa: PLR0913 - where to look, what for, whom about and when
    transaction: Transaction,
    engine: Engine,
    conditions: Mapping[str, Condition],
    given: pl.DataFrame,
    now: datetime,
    *,
    anchored: bool = False,
    everyone: bool = False,
    traits: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Whether each condition holds for each subject.

    The lake is read only where a condition asks what somebody did, and then once.

    Args:
        transaction: where people's present state is looked up.
        engine: what reads the history.
        conditions: by the name of their column.
        given: ``GIVEN`` rows, n subjects; ``BEGUN`` rows where ``anchored``.
        now: the present instant; nothing after it is seen.
        anchored: count only events since ``since`` but for the one that the subject began with;
            ``within`` is measured from there.
        everyone: ``given`` holds the whole population, which is then not looked up one by one.
        traits: ``person_id, name, value`` (JSON) that stand in for stored ones, this time alone.

    Returns:
        n rows with ``subject_id``, ``person_id`` and a boolean column for each condition.
    """
    if given.is_empty():
        return given.select("subject_id", "person_id").with_columns(
            pl.lit(None, pl.Boolean()).alias(name) for name in conditions
        )
    asked = Asked(transaction, None if everyone else given)
    sources = gather(asked, conditions.values(), given, now, anchored=anchored)
    if traits is not None and "traits" in sources.frames:
        sources.frames["traits"] = _overlaid(sources.frames["traits"], traits)
    sql = compile_conditions(
        conditions, now, anchored=anchored, everyone=everyone, history=sources.history
    )
    return truths(engine, sql, conditions, sources)


def _overlaid(stored: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The stored traits, but for those that are told for now."""
    left = stored.join(told, on=["person_id", "name"], how="anti")
    return pl.concat([left, told.select(stored.columns).cast(stored.schema)])


def themselves(people: pl.DataFrame) -> pl.DataFrame:
    """``GIVEN`` rows of ``people`` (``person_id``), each the subject of itself."""
    return people.select(
        subject_id="person_id", person_id="person_id", since=None, entry=None
    ).cast(GIVEN)
