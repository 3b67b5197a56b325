"""Who comes in: invitations in, new enrollments out."""

from datetime import datetime, timedelta

import polars as pl

from courtesy.ground.primitives.ids import digest
from courtesy.stages.experiments import UNITS, Split, assign
from courtesy.stages.journeys.model import ACTIVE, ENROLLMENTS, INSTANT, Journey

_ALONE = pl.DataFrame(schema=UNITS)


def enter(  # noqa: PLR0913, PLR0917 - who, into what, when
    candidates: pl.DataFrame,
    standing: pl.DataFrame,
    journey: Journey,
    version: int,
    now: datetime,
    units: pl.DataFrame = _ALONE,
) -> pl.DataFrame:
    """Enroll those who may enter; each in the arm that the journey's holdout gives them.

    Somebody who is inside does not enter again; who passed before enters only as ``again`` allows.

    Args:
        candidates: ``CANDIDATES`` rows, several of one person allowed: the earliest that may.
        standing: ``STANDING`` rows of those candidates who ever entered this journey.
        journey: the checked definition in force, and
        version: its number.
        now: the present instant: when the first step is due.
        units: ``UNITS`` rows of those who share an arm with others; who is not among them has
            their own.

    Returns:
        New ``ENROLLMENTS`` rows.
    """
    ordered = candidates.sort("occurred_at", maintain_order=True)
    known = ordered.join(standing, on="person_id", how="left", maintain_order="left").join(
        units, on="person_id", how="left", maintain_order="left"
    )
    welcome = known.filter(_may(journey.entry.again))
    first = welcome.unique("person_id", keep="first", maintain_order=True)
    numbered = first.with_columns((pl.col("passes").fill_null(0) + 1).alias("pass_number"))
    return numbered.select(
        _ids(numbered, journey.name),
        pl.lit(journey.name).alias("journey"),
        pl.lit(version, dtype=pl.Int64).alias("version"),
        "person_id",
        "pass_number",
        assign(
            numbered["unit"].fill_null(numbered["person_id"]),
            Split.holdout(journey.name, journey.holdout),
        ),
        pl.lit(journey.first).alias("step"),
        pl.lit(ACTIVE).alias("state"),
        pl.lit(None, dtype=pl.String).alias("reason"),
        "entry",
        pl.col("occurred_at").alias("entered_at"),
        pl.lit(now, dtype=INSTANT).alias("due_at"),
        pl.lit(None, dtype=INSTANT).alias("ended_at"),
        pl.lit(None, dtype=pl.String).alias("tests"),
        "entry_event_id",
    ).select(list(ENROLLMENTS))


def _may(again: timedelta | None) -> pl.Expr:
    stranger = pl.col("passes").is_null()
    if again is None:
        return stranger
    later = pl.col("occurred_at") > pl.col("last_entered_at")
    rested = pl.col("occurred_at") >= pl.col("last_entered_at") + again
    return stranger | (~pl.col("active") & later & rested)


def _ids(numbered: pl.DataFrame, journey: str) -> pl.Series:
    rows = numbered.select("person_id", "pass_number").iter_rows()
    ids = [digest(journey, person, str(number)) for person, number in rows]
    return pl.Series("enrollment_id", ids, dtype=pl.String)
