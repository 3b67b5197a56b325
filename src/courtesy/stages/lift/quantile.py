"""Comparing a quantile, such as the median, between two arms: it takes every person's value."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import polars as pl

from courtesy.ground.lake import Engine, Table
from courtesy.ground.stats import Array, compare_quantile, fewest_for_quantile
from courtesy.stages.lift.estimates import number
from courtesy.stages.lift.model import Comparison, Metric, Notice
from courtesy.stages.lift.notices import Case, gathered
from courtesy.stages.lift.plan import Plan
from courtesy.stages.lift.statement import values as values_statement
from courtesy.stages.lift.tally import Data


def values(  # noqa: PLR0913 - each of them is another thing to say
    engine: Engine,
    exposures: pl.DataFrame | Table,
    plan: Plan,
    metric: Metric,
    *,
    now: datetime,
    merges: pl.DataFrame | None = None,
) -> Mapping[str, Array]:
    """The values of a metric in each arm, of everybody whose time to respond is over, in order.

    Args:
        engine: what reads the lake.
        exposures: as ``measure`` takes them.
        plan: whose outcomes.
        metric: which outcome.
        now: the instant of looking.
        merges: ``MERGES`` rows; None when nobody was merged.

    Raises:
        DefinitionError: the metric does not fit together, or needs what the exposures do not have.
    """
    alone = replace(plan, metrics=[replace(metric, quantile=None)], history=None, received=None)
    data = Data(engine, exposures, now, merges)
    rows = data.rows(values_statement(alone, now), alone)
    arms = rows.sort("value").partition_by("arm", as_dict=True, include_key=False)
    return {str(arm): found["value"].to_numpy() for (arm,), found in arms.items()}


def compared(plan: Plan, metric: Metric, arms: Mapping[str, Array]) -> Iterator[Comparison]:
    """Each arm with people beside the control, where that has people; not corrected yet."""
    control = arms.get(plan.control)
    for arm, found in sorted(arms.items()):
        if arm != plan.control and control is not None:
            yield _comparison(plan, metric, arm, control, found)


def _comparison(plan: Plan, metric: Metric, arm: str, control: Array, treated: Array) -> Comparison:
    quantile = metric.quantile or 0.0
    shown = compare_quantile(control, treated, quantile, plan.rule)
    units = {plan.control: len(control), arm: len(treated)}
    return Comparison(
        arm=arm,
        control=plan.control,
        metric=metric.name,
        control_mean=shown.control,
        arm_mean=shown.treated,
        effect=shown.effect,
        effect_low=number(shown.low),
        effect_high=number(shown.high),
        lift=shown.effect / abs(shown.control) if shown.control else None,
        lift_low=number(shown.lift_low),
        lift_high=number(shown.lift_high),
        p_value=number(shown.p_value),
        p_holm=None,
        p_discovery=None,
        control_units=len(control),
        arm_units=len(treated),
        method=f"{plan.rule.name}, quantile {100 * quantile:.4g}%, empirical likelihood",
        better=metric.better,
        control_mean_adjusted=shown.control,
        arm_mean_adjusted=shown.treated,
        no_interval=_too_few(plan, quantile, units) if number(shown.low) is None else "",
    )


def _too_few(plan: Plan, quantile: float, units: Mapping[str, int]) -> str:
    fewest = fewest_for_quantile(quantile, plan.rule)
    there = " and ".join(f"{arm} has {people:,}" for arm, people in units.items())
    return (
        f"too few for a quantile of {100 * quantile:.4g}%: it takes {fewest:,} people in each arm, "
        f"and {there}"
    )


def notices(plan: Plan) -> Iterator[Notice]:
    """Which quantiles of a plan are not compared at all."""
    said = "Quantiles are not compared where clusters were assigned"
    left_out = plan.quantiles if plan.clustered else ()
    return gathered(Case("no_quantile", said, metric.name) for metric in left_out)
