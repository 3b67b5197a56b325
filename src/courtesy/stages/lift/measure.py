"""Measure an experiment: exposures and events in, its effect out.

By intention to treat (Fisher 1990; CONSORT 2010, item 16): whoever was exposed counts in the arm
that was assigned, whatever was said to them afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from courtesy.ground.lake import Engine, Table
from courtesy.ground.primitives.errors import DataError, TooEarlyError
from courtesy.stages.lift.columns import Columns
from courtesy.stages.lift.conclude import conclude
from courtesy.stages.lift.estimates import corrected
from courtesy.stages.lift.model import Comparison, Design, Lift, Metric, Notice, Outcome, Tally
from courtesy.stages.lift.notices import Case, gathered, of_comparison
from courtesy.stages.lift.people import conversions, winsorised
from courtesy.stages.lift.plan import Plan
from courtesy.stages.lift.quantile import compared, values
from courtesy.stages.lift.quantile import notices as quantile_notices
from courtesy.stages.lift.tally import Data, grouped, summed

_FEW = 10
_FAR_MORE = 2


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
            ``entry``, the properties of the event that invited, where a metric compares with it;
            ``unit``, what chance assigned, where that is clusters.
        plan: what to measure.
        now: the instant of looking; people whose window is not over by then are left out, in every
            arm alike.
        merges: ``MERGES`` rows; None when nobody was merged.

    Raises:
        TooEarlyError: nobody was exposed.
        DataError: the control has nobody or nothing beside it.
        DefinitionError: a metric does not fit together, or needs what the exposures do not have.
    """
    found = summed(Data(engine, exposures, now, merges), plan)
    whole = next(grouped(plan, found), None)
    if whole is None:
        what = "come to its trigger" if found.rows and plan.trigger else "been exposed to it"
        raise TooEarlyError(f"Nobody has {what} yet.", place=plan.experiment)
    notices = [*_notices(plan, whole, found.rows[0]), *quantile_notices(plan)]
    lift = conclude(design_of(plan, whole), whole.outcomes, notices)
    quantiles = [
        comparison
        for metric in ([] if plan.clustered else plan.quantiles)
        for comparison in compared(
            plan, metric, values(engine, exposures, plan, metric, now=now, merges=merges)
        )
    ]
    return _with(lift, plan, quantiles) if quantiles else lift


def design_of(plan: Plan, whole: Tally) -> Design:
    """The arms of a plan with their people.

    Raises:
        DataError: people are in an arm that the plan's shares do not name.
    """
    arms = dict.fromkeys(plan.shares or (), 0)
    unknown = sorted(set(whole.units) - set(plan.shares or whole.units))
    if unknown:
        raise DataError(f"Its shares do not name the arm {unknown[0]!r}.", place=plan.experiment)
    return Design(
        plan.experiment,
        plan.control,
        {**arms, **whole.units},
        plan.shares,
        plan.rule,
        plan.randomised,
        {**arms, **whole.assigned} if whole.assigned is not None else None,
        plan.rounds,
    )


def _with(lift: Lift, plan: Plan, found: Sequence[Comparison]) -> Lift:
    """The result with more comparisons, in the order of the plan's metrics."""
    order = [metric.name for metric in plan.metrics]
    every = [*lift.comparisons, *lift.associations, *found]
    ordered = corrected(sorted(every, key=lambda comparison: order.index(comparison.metric)))
    thin = gathered(case for comparison in found for case in of_comparison(comparison))
    warnings = tuple(dict.fromkeys((*lift.warnings, *thin)))
    if lift.randomised:
        return replace(lift, comparisons=ordered, warnings=warnings)
    return replace(lift, associations=ordered, warnings=warnings)


def _notices(plan: Plan, whole: Tally, row: Mapping[str, Any]) -> Iterator[Notice]:
    yield from gathered(_cases(plan, whole, row))
    if row["mixed"]:
        yield Notice(
            "two_arms",
            f"{row['mixed']} people were in two arms, such as by being known under two ids; they "
            "are left out.",
        )
    if plan.clustered and row["split"]:
        yield Notice(
            "two_arm_clusters",
            f"{row['split']} clusters have people in several arms; each arm's part counts as a "
            "cluster.",
        )


def _cases(plan: Plan, whole: Tally, row: Mapping[str, Any]) -> Iterator[Case]:
    for metric, outcome in zip(plan.means, whole.outcomes, strict=True):
        yield from _incomplete(whole, outcome, Columns.of(plan, metric).size)
    for n, _ in winsorised(plan):
        yield from _held_back(plan.facts[n], row[f"limit{n}"])
    for n in conversions(plan):
        yield from _late(plan.facts[n], whole, row[f"before{n}"] or 0)


def _incomplete(whole: Tally, outcome: Outcome, size: int | None) -> Iterator[Case]:
    everyone = sum(whole.units.values())
    waiting = everyone - sum(
        round(float(m.count) * (1.0 if size is None else float(m.mean[size])))
        for m in outcome.moments.values()
    )
    if waiting:
        yield Case(
            "incomplete_follow_up",
            "People are left out of a metric as long as their time to respond is not over",
            f"{outcome.metric} ({waiting} of {everyone})",
        )


def _late(metric: Metric, whole: Tally, before: int) -> Iterator[Case]:
    """Whether outcomes come before exposures, which then were recorded too late.

    Without a window all that was before is more than what came after; nothing after is a sign.
    """
    found = [one for one in whole.outcomes if one.metric == metric.name]
    after = sum(float(m.count * m.mean[0]) for one in found for m in one.moments.values())
    too_many = before > _FAR_MORE * after if metric.within else not after
    if found and before >= _FEW and too_many:
        yield Case(
            "before_exposure",
            "What came before the exposure does not count. Were the exposures recorded too late? "
            "People who had it before, and after",
            f"{metric.name} ({before:,} and {after:,.0f})",
        )


def _held_back(metric: Metric, limit: float | None) -> Iterator[Case]:
    if limit is not None and limit <= 0:
        share = f"{100 * (metric.winsorise or 0):.4g}%"
        yield Case(
            "winsorised_away",
            "All larger values count as the limit, which leaves nothing here; cap or a larger "
            "share would leave some",
            f"{metric.name} ({share} of all people have {limit:g} or less)",
        )
