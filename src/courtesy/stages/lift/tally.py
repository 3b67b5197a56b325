"""Sums of an experiment's outcomes for groups of people, by SQL in the engine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from courtesy.ground.lake import Engine, Table
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.events.model import EVENTS
from courtesy.stages.lift.columns import Columns
from courtesy.stages.lift.model import Tally
from courtesy.stages.lift.offsets import offsets
from courtesy.stages.lift.people import SEGMENT
from courtesy.stages.lift.plan import Plan, window
from courtesy.stages.lift.statement import Offsets, summing
from courtesy.stages.lift.sums import nothing, read

MERGES = pl.Schema({"person_id": pl.String(), "into_id": pl.String()})
"""People who turned out to be one: whose id stands no more, and which took its place."""

SEGMENTS = pl.Schema({"person_id": pl.String(), "segment": pl.String()})
"""The one segment of each person, as of before the exposure."""

By = str | pl.DataFrame | None
"""How people are grouped: not at all (None), by ``DAY``, or by a frame of ``SEGMENTS``."""


@dataclass(frozen=True)
class Data:
    """Where the answers come from.

    ``exposures``: rows (experiment, person_id, arm, exposed_at), or the lake table that has them;
    ``entry``, the properties of the event that invited, and ``unit``, what chance assigned, where
    they are needed. ``now``: the instant of looking. ``merges``: ``MERGES`` rows.
    """

    engine: Engine
    exposures: pl.DataFrame | Table
    now: datetime
    merges: pl.DataFrame | None = None

    def rows(
        self, sql: str, plan: Plan, frames: Mapping[str, pl.DataFrame] | None = None
    ) -> pl.DataFrame:
        """What a statement about a plan yields.

        Raises:
            DefinitionError: the plan needs ``entry`` or ``unit``, which the exposures do not have.
        """
        self._check(plan)
        known = {"merges": pl.DataFrame(schema=MERGES) if self.merges is None else self.merges}
        tables = [EVENTS]
        if isinstance(self.exposures, Table):
            tables.append(self.exposures)
        else:
            known["exposures"] = self.exposures
        return self.engine.query(sql, tables=tables, frames={**known, **(frames or {})})

    def _check(self, plan: Plan) -> None:
        given = self.exposures
        columns = list(given.schema) if isinstance(given, Table) else given.columns
        if plan.needs_entry and "entry" not in columns:
            raise DefinitionError("Its condition compares with the entry, which is not known here.")
        if plan.clustered and "unit" not in columns:
            raise DefinitionError("Its arms were given to clusters, which are not known here.")


def tallies(  # noqa: PLR0913 - each of them is another thing to say
    engine: Engine,
    exposures: pl.DataFrame | Table,
    plan: Plan,
    *,
    now: datetime,
    merges: pl.DataFrame | None = None,
    by: By = None,
) -> list[Tally]:
    """The sums of each group, in the order of the groups' names; the sum of all is the whole.

    Grouped by ``DAY``, that is the UTC day on which somebody's time to respond was over, for each
    metric by its own window, and the day of exposure where it has none; ``units`` are those of the
    longest window. A cluster has the day of its last person. Grouped by segments, the part of a
    cluster in each segment stands for itself, and who is in none is ``UNKNOWN``.

    Args:
        engine: what reads the lake.
        exposures: as ``measure`` takes them.
        plan: what to sum up; its quantiles, which do not add up, are left out.
        now: the instant of looking; people whose window is not over by then are left out.
        merges: ``MERGES`` rows; None when nobody was merged.
        by: how people are grouped.

    Raises:
        DefinitionError: a metric does not fit together, or needs what the exposures do not have.
    """
    data = Data(engine, exposures, now, merges)
    return list(grouped(plan, summed(data, plan, by)))


@dataclass(frozen=True)
class Summed:
    """The ``rows`` of ``summing``, none where nobody was exposed, and its ``offsets``."""

    rows: Sequence[Mapping[str, Any]]
    offsets: Offsets


def summed(data: Data, plan: Plan, by: By = None) -> Summed:
    """Everybody's outcomes, added up.

    What turns out to lie far from zero is added up once more less an offset, the same for all
    groups, so that nothing is lost where totals of clusters and ratios are told apart and the sums
    of the groups still add up.
    """
    first = _asked(data, plan, by, {})
    far = offsets(plan, list(grouped(plan, first)))
    return _asked(data, plan, by, far) if far else first


def _asked(data: Data, plan: Plan, by: By, less: Offsets) -> Summed:
    frames, group = {}, by
    if isinstance(by, pl.DataFrame):
        group = SEGMENT
        frames["segments"] = by.select(pl.col(name).cast(kind) for name, kind in SEGMENTS.items())
    sql = summing(plan, data.now, group if isinstance(group, str) else None, less)
    return Summed(data.rows(sql, plan, frames).to_dicts(), less)


def grouped(plan: Plan, found: Summed) -> Iterator[Tally]:
    """A tally for each group."""
    exposed = {str(row["arm"]): int(row["exposed"]) for row in found.rows}
    for group in sorted({row["of_group"] for row in found.rows if row["of_group"] is not None}):
        rows = [row for row in found.rows if row["of_group"] == group]
        yield _tally(plan, group, Summed(rows, found.offsets), exposed)


def _tally(plan: Plan, group: str, found: Summed, exposed: Mapping[str, int]) -> Tally:
    whole = _by_arm(found.rows, len(plan.windows) - 1)
    outcomes, reached = [], []
    for i, metric in enumerate(plan.means):
        columns = Columns.of(plan, metric)
        rows = _by_arm(found.rows, plan.windows.index(window(metric)))
        moments = {
            arm: read(rows[arm], f"m{i}", columns.width) if arm in rows else nothing(columns.width)
            for arm in exposed
        }
        offset = found.offsets[i][0] if i in found.offsets else 0.0
        outcomes.append(replace(columns.outcome(metric, moments), offset=offset))
        if plan.received:
            reached.append(replace(columns.reached(metric, moments), offset=offset))
    return Tally(
        group=group,
        units=_counts(whole, "units", exposed),
        outcomes=tuple(outcomes),
        assigned=_counts(whole, "assigned", exposed) if plan.clustered else None,
        reached=tuple(reached),
        exposed=exposed,
    )


def _by_arm(rows: Sequence[Mapping[str, Any]], number: int) -> dict[str, Mapping[str, Any]]:
    """The rows that hold sums of the metrics with the window of this number."""
    return {str(row["arm"]): row for row in rows if row["of_window"] in {None, number}}


def _counts(
    rows: Mapping[str, Mapping[str, Any]], name: str, arms: Iterable[str]
) -> dict[str, int]:
    return {arm: int(rows[arm][name]) if arm in rows else 0 for arm in arms}
