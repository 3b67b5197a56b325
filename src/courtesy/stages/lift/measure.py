"""Measure an experiment: exposures and events in, its effect out.

By intention to treat (Fisher 1990; CONSORT 2010, item 16): whoever was exposed counts in the arm
that was assigned, whatever was said to them afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from courtesy.ground.lake import Engine, Table
from courtesy.ground.primitives.errors import DataError, DefinitionError
from courtesy.stages.events.model import EVENTS
from courtesy.stages.lift.conclude import conclude
from courtesy.stages.lift.model import (
    CONVERSION,
    MEAN,
    PROPORTION,
    RATIO,
    Design,
    Lift,
    Metric,
    Notice,
    Outcome,
    Ratio,
)
from courtesy.stages.lift.plan import Plan
from courtesy.stages.lift.statement import needs_entry, pairs, statement
from courtesy.stages.lift.sums import read

MERGES = pl.Schema({"person_id": pl.String(), "into_id": pl.String()})
"""People who turned out to be one: whose id stands no more, and which took its place."""


def measure(
    engine: Engine,
    exposures: pl.DataFrame | Table,
    plan: Plan,
    *,
    now: datetime,
    merges: pl.DataFrame | None = None,
) -> Lift:
    """The effect of each arm on each metric.

    Args:
        engine: what reads the lake.
        exposures: rows (experiment, person_id, arm, exposed_at), or the lake table that has them;
            ``entry``, the properties of the event that invited, where a metric compares with it.
        plan: what to measure.
        now: the instant of looking; people whose window is not over by then are left out, in every
            arm alike.
        merges: ``MERGES`` rows; None when nobody was merged.

    Raises:
        DataError: nobody was exposed, or the control has nobody or nothing beside it.
        DefinitionError: a metric does not fit together, or needs ``entry``, which is not there.
    """
    _check_entry(exposures, plan)
    rows = _rows(engine, exposures, plan, now, merges)
    if not rows:
        raise DataError("Nobody has been exposed to it yet.", place=plan.experiment)
    units = dict.fromkeys(plan.shares or (), 0)
    units |= {str(row["arm"]): row["units"] for row in rows}
    _expected(plan, units)
    design = Design(plan.experiment, plan.control, units, plan.shares, plan.rule, plan.randomised)
    outcomes = [_outcome(plan, i, rows) for i in range(len(plan.metrics))]
    return conclude(design, outcomes, list(_notices(plan, rows)))


def _check_entry(exposures: pl.DataFrame | Table, plan: Plan) -> None:
    columns = exposures.schema if isinstance(exposures, Table) else exposures.columns
    if needs_entry(plan.metrics) and "entry" not in columns:
        raise DefinitionError("Its condition compares with the entry, which is not known here.")


def _rows(
    engine: Engine,
    exposures: pl.DataFrame | Table,
    plan: Plan,
    now: datetime,
    merges: pl.DataFrame | None,
) -> list[dict[str, Any]]:
    sql = statement(plan.experiment, plan.metrics, now, plan.history)
    tables = [EVENTS]
    frames = {"merges": pl.DataFrame(schema=MERGES) if merges is None else merges}
    if isinstance(exposures, Table):
        tables.append(exposures)
    else:
        frames["exposures"] = exposures
    return engine.query(sql, tables=tables, frames=frames).to_dicts()


def _expected(plan: Plan, units: Mapping[str, int]) -> None:
    unknown = sorted(set(units) - set(plan.shares or units))
    if unknown:
        raise DataError(f"Its shares do not name the arm {unknown[0]!r}.", place=plan.experiment)


def _outcome(plan: Plan, number: int, rows: Sequence[Mapping[str, Any]]) -> Outcome:
    metric = plan.metrics[number]
    columns = pairs(metric, plan.history)
    width = max(max(top, bottom or 0) for top, bottom in columns) + 1
    moments = {str(row["arm"]): read(row, f"m{number}", width) for row in rows}
    return Outcome(metric.name, _kind(metric), moments, columns)


def _kind(metric: Metric | Ratio) -> str:
    if isinstance(metric, Ratio):
        return RATIO
    return PROPORTION if metric.kind == CONVERSION else MEAN


def _notices(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Iterator[Notice]:
    everyone = sum(row["units"] for row in rows)
    for number, metric in enumerate(plan.metrics):
        waiting = everyone - sum(row[f"m{number}_count"] for row in rows)
        if waiting:
            yield Notice(
                "incomplete_follow_up",
                f"{waiting} of {everyone} people are left out of {metric.name}: their time to "
                "respond is not over.",
            )
    if rows[0]["mixed"]:
        yield Notice(
            "two_arms",
            f"{rows[0]['mixed']} people were in two arms, by being known under two ids; they are "
            "left out.",
        )
