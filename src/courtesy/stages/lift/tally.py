"""Sums of an experiment's outcomes for groups of people, by SQL in the engine."""

from datetime import datetime

import polars as pl

from courtesy.ground.lake import Engine, Table
from courtesy.stages.lift.model import Tally
from courtesy.stages.lift.plan import Plan

DAY = "day"
UNKNOWN = "unknown"
"""The group of people of whom no segment is known."""

By = str | pl.DataFrame | None
"""How people are grouped: not at all (None), by ``DAY``, or by a frame (person_id, segment)."""


def tallies(  # noqa: PLR0913 - each of them is another thing to say
    engine: Engine,
    exposures: pl.DataFrame | Table,
    plan: Plan,
    *,
    now: datetime,
    merges: pl.DataFrame | None = None,
    by: By = None,
) -> list[Tally]:
    """The sums of each group, in the order of the groups' names.

    ``DAY`` is the UTC day on which the time to respond was over, for each metric by its own window;
    the day of exposure where it has none. A cluster has the day of its last person.
    """
    raise NotImplementedError
