"""Measure outside data: one row for each person, or several, in CSV or Parquet."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import ALARM, AlwaysValid, Rule, chi_square
from courtesy.stages.lift import file_columns as columns
from courtesy.stages.lift import file_statement as sql
from courtesy.stages.lift.conclude import conclude
from courtesy.stages.lift.file_statement import Layout, Measured
from courtesy.stages.lift.model import (
    MEAN,
    PROPORTION,
    RATIO,
    UNBOUNDED,
    Design,
    Lift,
    Notice,
    Outcome,
)
from courtesy.stages.lift.source import Source, opened
from courtesy.stages.lift.sums import read

_MOST_ARMS = 100


@dataclass(frozen=True)
class FilePlan:
    """What to measure in a file.

    ``unit``, ``arm``, ``cluster``, ``covariates``: names of columns. ``metrics``: each a column, a
    column with ``:mean`` or ``:proportion``, or ``NUMERATOR/DENOMINATOR``. ``shares``: the expected
    share of each arm, in any scale; equal shares when None.
    """

    unit: str
    arm: str
    control: str
    metrics: Sequence[str]
    covariates: Sequence[str] = ()
    cluster: str | None = None
    shares: Mapping[str, float] | None = None
    rule: Rule = field(default_factory=AlwaysValid)
    randomised: bool = True


def measure_file(path: Path, plan: FilePlan) -> Lift:
    """The effect of each arm on each metric.

    Args:
        path: CSV (also .gz, .xz, .zst) or Parquet; memory stays bounded however many rows it has.
        plan: which column is what.

    Raises:
        DataError: the file or a column is not there, a value is not what it should be (with its
            row), or the arms do not fit the plan.
    """
    with opened(path) as source:
        layout, asked = _layout(source, plan)
        source.rows(sql.parsed(layout))
        seen = source.rows(sql.inspection(layout))[0]
        _check_cells(source, layout, seen)
        layout = _known_kinds(source, layout, asked, seen)
        arms = _arms(source, plan)
        rows = source.rows(sql.summing(layout))
        notices = [*_row_notices(layout, seen), *_unit_notices(source, layout, rows)]
    by_arm = {str(row["arm"]): row for row in rows if row["arm"] is not None}
    if not by_arm:
        raise DataError(
            "No unit is in one arm alone; is it the right column?", place=f"{path}: {plan.unit}"
        )
    outcomes = [_outcome(layout, i, by_arm, seen) for i, _ in enumerate(layout.metrics)]
    design = _design(path, plan, arms, by_arm)
    more = [*_uneven(design, outcomes, layout), *_unadjusted(outcomes)]
    return conclude(design, outcomes, [*notices, *more])


def _layout(source: Source, plan: FilePlan) -> tuple[Layout, dict[str, str | None]]:
    """The columns, and which kind each metric was asked for as."""
    asked = [columns.metric(source, text) for text in plan.metrics]
    names = [one.name for one, _ in asked]
    if not names:
        raise DataError("It takes one metric at least.", place="--metric")
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(f"{repeated[0]} is asked for twice.", place="--metric")
    columns.column(source, plan.unit, "--unit")
    columns.column(source, plan.arm, "--arm")
    if plan.cluster is not None:
        columns.column(source, plan.cluster, "--cluster")
    for covariate in plan.covariates:
        columns.column(source, covariate, "--covariate")
    covariates = tuple(dict.fromkeys(plan.covariates))
    layout = Layout(plan.unit, plan.arm, plan.cluster, [one for one, _ in asked], covariates)
    return layout, {one.name: kind for one, kind in asked}


def _check_cells(source: Source, layout: Layout, seen: Mapping[str, Any]) -> None:
    if not seen["rows"]:
        raise DataError("It has no rows.", place=source.name)
    for i, cell in enumerate(layout.cells):
        if seen[f"bad{i}"]:
            _complain(source, layout, cell, "{bad}", "is not a number")
    for metric in layout.metrics:
        if metric.bottom is not None and (seen[f"low{layout.cells.index(metric.bottom)}"] or 0) < 0:
            _complain(source, layout, metric.bottom, "{value} < 0", "cannot count below zero")


def _complain(source: Source, layout: Layout, cell: str, condition: str, what: str) -> None:
    row = source.rows(sql.first_row(layout, cell, condition))[0]
    place = f"{source.name}: row {row['number']}: {cell}"
    raise DataError(f"{row['found']!r:.60} {what}.", place=place)


def _known_kinds(
    source: Source, layout: Layout, asked: Mapping[str, str | None], seen: Mapping[str, Any]
) -> Layout:
    """Metrics with their kind, which is proportion where all values are 0 or 1."""
    metrics = []
    for metric in layout.metrics:
        others = seen[f"other{layout.cells.index(metric.top)}"]
        if asked[metric.name] == PROPORTION and others:
            _complain(source, layout, metric.top, "{value} NOT IN (0, 1)", "is neither 0 nor 1")
        yes_no = asked[metric.name] == PROPORTION or (asked[metric.name] is None and not others)
        offset = 0.0 if yes_no else _offset(layout, metric, seen)
        metrics.append(replace(metric, yes_no=yes_no, offset=offset))
    gaps = [c for c in layout.covariates if seen[f"missing{layout.cells.index(c)}"]]
    centres = [_about(layout, covariate, seen) for covariate in layout.covariates]
    return replace(layout, metrics=metrics, gaps=gaps, centres=centres)


def _offset(layout: Layout, metric: Measured, seen: Mapping[str, Any]) -> float:
    """About what the metric is, where that is far from zero."""
    if metric.bottom is None:
        return _about(layout, metric.top, seen)
    top, bottom = (seen[f"mean{layout.cells.index(cell)}"] for cell in metric.cells)
    return top / bottom if _about(layout, metric.top, seen) and bottom else 0.0


def _about(layout: Layout, cell: str, seen: Mapping[str, Any]) -> float:
    return float(seen[f"about{layout.cells.index(cell)}"] or 0.0)


def _arms(source: Source, plan: FilePlan) -> list[str]:
    """The control, then the others by name; those of the plan are there even when empty."""
    found = {str(row["arm"]) for row in source.rows(sql.arms(_MOST_ARMS + 1))}
    if len(found) > _MOST_ARMS:
        raise DataError(
            f"It has more than {_MOST_ARMS} arms; is it the right column?", place=plan.arm
        )
    if plan.control not in found:
        known = ", ".join(sorted(found)) or "none"
        raise DataError(f"Nobody is in {plan.control!r}; the arms are: {known}.", place="--control")
    strange = sorted(found - set(plan.shares or found))
    if strange:
        raise DataError(f"It does not say the share of arm {strange[0]!r}.", place="--split")
    return [plan.control, *sorted((found | set(plan.shares or ())) - {plan.control})]


def _design(
    path: Path, plan: FilePlan, arms: Sequence[str], rows: Mapping[str, Mapping[str, Any]]
) -> Design:
    return Design(
        name=path.name,
        control=plan.control,
        units={arm: rows[arm]["units"] if arm in rows else 0 for arm in arms},
        shares=plan.shares or dict.fromkeys(arms, 1.0),
        rule=plan.rule,
        randomised=plan.randomised,
        assigned={arm: rows[arm]["assigned"] if arm in rows else 0 for arm in arms},
    )


def _outcome(
    layout: Layout, number: int, rows: Mapping[str, Mapping[str, Any]], seen: Mapping[str, Any]
) -> Outcome:
    metric = layout.metrics[number]
    kind = RATIO if metric.bottom is not None else PROPORTION if metric.yes_no else MEAN
    width = sql.width(layout, metric)
    moments = {arm: read(row, f"m{number}", width) for arm, row in rows.items()}
    pairs = sql.pairs(layout, metric)
    clustered = layout.cluster is not None
    below_zero = any(seen[f"negative{layout.cells.index(cell)}"] for cell in metric.cells)
    return Outcome(
        metric.name,
        kind,
        moments,
        pairs,
        clustered,
        offset=metric.offset,
        bounds=UNBOUNDED if below_zero else (0.0, 1.0 if kind == PROPORTION else math.inf),
    )


def _row_notices(layout: Layout, seen: Mapping[str, Any]) -> Iterator[Notice]:
    for name in ("unit", "arm", *(["cluster"] if layout.cluster else [])):
        if seen[f"no_{name}"]:
            rows = f"{seen[f'no_{name}']} of {seen['rows']} rows"
            yield Notice(f"missing_{name}", f"{rows} do not say the {name}; they are left out.")
    for i, cell in enumerate(layout.cells):
        if seen[f"missing{i}"]:
            rows = f"{seen[f'missing{i}']} of {seen['rows']} rows lack {cell}"
            fate = "count as unknown" if cell in layout.covariates else "are left out of it"
            yield Notice("missing_values", f"{rows}; they {fate}.")
        if seen[f"negative{i}"] and cell not in layout.covariates:
            rows = f"{seen[f'negative{i}']} of {seen['rows']} rows have {cell} below zero"
            yield Notice("negative_values", f"{rows}; they count as they are.")
    for metric in layout.metrics:
        if set(metric.cells) & set(layout.covariates):
            said = "is a covariate of itself, which leaves nothing of what the arms change"
            yield Notice("own_covariate", f"{metric.name} {said}.")


def _unit_notices(
    source: Source, layout: Layout, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Notice]:
    mixed = sum(row["units"] for row in rows if row["arm"] is None)
    if mixed:
        yield Notice("two_arms", f"{mixed} units are in two arms; they are left out.")
    repeated = sum(row["repeated"] for row in rows if row["arm"] is not None)
    if repeated:
        yield Notice(
            "repeated_units",
            f"{repeated} units have several rows: totals were added up, yes-or-no outcomes count "
            "once, covariates were averaged.",
        )
    moved = sum(row["moved"] for row in rows if row["arm"] is not None)
    if moved:
        yield Notice(
            "two_clusters", f"{moved} units are in several clusters; each counts in one of them."
        )
    split = source.rows(sql.split_clusters())[0]["split"] if layout.cluster else 0
    if split:
        yield Notice(
            "two_arm_clusters",
            f"{split} clusters have units in several arms; each arm's part counts as a cluster.",
        )


def _uneven(design: Design, outcomes: Sequence[Outcome], layout: Layout) -> Iterator[Notice]:
    """Whether one arm lacks more outcomes than another, which no estimator can mend."""
    present = [arm for arm, units in design.units.items() if units]
    for outcome in outcomes if layout.cluster is None and len(present) > 1 else ():
        expected = [design.units[arm] for arm in present]
        lacking = [design.units[a] - float(outcome.moments[a].count) for a in present]
        if sum(lacking) and chi_square(lacking, expected) < ALARM:
            yield Notice("uneven_missing", f"{outcome.metric} is missing more in some arms.")


def _unadjusted(outcomes: Sequence[Outcome]) -> Iterator[Notice]:
    """Where there are too few units for covariates to take anything out."""
    for outcome in outcomes:
        units = sum(max(float(arm.count) - 1, 0) for arm in outcome.moments.values())
        covariates = len(outcome.pairs) - 1
        if covariates and units - covariates <= 1:
            yield Notice(
                "too_many_covariates",
                f"{outcome.metric} is known of too few units for {covariates} covariates; none was "
                "used.",
            )
