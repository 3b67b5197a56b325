"""What each arm's sums say of a metric, and how two arms are told apart."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from courtesy.ground.stats import (
    Effect,
    Estimate,
    Moments,
    adjusted,
    benjamini_hochberg,
    compare,
    holm,
    least_variances,
    mean_of,
    ratios,
)
from courtesy.stages.lift.model import PROPORTION, RATIO, Comparison, Design, Outcome

_FEWEST = 2
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


def present(design: Design) -> list[str]:
    """The arms that have people, in the order of the design."""
    return [arm for arm, units in design.units.items() if units]


def estimates(arms: Sequence[Moments], outcome: Outcome) -> list[Estimate]:
    """The metric of each arm, less what covariates explain; any number of groups at once.

    Args:
        arms: the outcome's sums, or those of several groups side by side.
        outcome: what the columns are.
    """
    pieces = [_pieces(moments, outcome) for moments in arms]
    found = adjusted(pieces) if len(outcome.pairs) > 1 else [mean_of(piece) for piece in pieces]
    return within_bounds(found, arms, outcome)


def within_bounds(
    found: Sequence[Estimate], arms: Sequence[Moments], outcome: Outcome
) -> list[Estimate]:
    """The arms' values with what is known of the metric beforehand.

    Between which values it lies; and of a share that few did or did not, how unsure that is at
    least: what happened to nobody so far may still happen.

    Args:
        found: the value of each arm.
        arms: its sums.
        outcome: what the columns are.
    """
    low, high = outcome.bounds
    known = [replace(one, offset=outcome.offset, lowest=low, highest=high) for one in found]
    if outcome.kind != PROPORTION:
        return known
    size = outcome.pairs[0][1]
    people = [arm.count * (1.0 if size is None else arm.mean[..., size]) for arm in arms]
    hits = [arm.count * arm.mean[..., 0] for arm in arms]
    least = least_variances(hits, people)
    return [replace(one, least=variance) for one, variance in zip(known, least, strict=True)]


def raw_mean(moments: Moments, outcome: Outcome) -> float | None:
    """The mean of an arm as its own people have it, nothing taken out."""
    return number(told(moments, outcome).mean[..., 0]) if moments.count else None


def told(moments: Moments, outcome: Outcome) -> Moments:
    """The metric of each unit, with its offset again, and its covariates."""
    piece = _pieces(moments, outcome)
    mean = piece.mean.copy()
    mean[..., 0] += outcome.offset
    return replace(piece, mean=mean)


def _pieces(moments: Moments, outcome: Outcome) -> Moments:
    """The same without the offset; scatter that is only the offset's rounding is none."""
    piece = ratios(moments, outcome.pairs)
    if not outcome.offset:
        return piece
    rounding = piece.count * (_ROUNDING * outcome.offset) ** 2
    scatter = piece.scatter.copy()
    scatter[..., 0, 0] = np.where(scatter[..., 0, 0] > rounding, scatter[..., 0, 0], 0.0)
    return replace(piece, scatter=scatter)


def of_arms(design: Design, outcome: Outcome) -> dict[str, Estimate]:
    """The metric of each arm that has people."""
    arms = present(design)
    found = estimates([outcome.moments[arm] for arm in arms], outcome)
    return dict(zip(arms, found, strict=True))


def people_of(moments: Moments, outcome: Outcome) -> float:
    """How many people the units are, which may be clusters."""
    size = outcome.pairs[0][1]
    each = 1.0 if size is None else float(moments.mean[..., size])
    return float(moments.count) * each


def comparisons(
    design: Design, outcome: Outcome, arms: Mapping[str, Estimate], more: str = ""
) -> Iterator[Comparison]:
    """Every arm beside the control on one metric, not corrected yet.

    Args:
        design: the arms.
        outcome: the metric, with the sums of everybody in each arm.
        arms: what it is in each of them.
        more: what else was done, for the method.
    """
    for arm in arms:
        if arm != design.control:
            yield _comparison(design, outcome, arm, arms, more)


def corrected(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons with p-values for deciding on any of them, and for exploring them."""
    p_values = [math.nan if c.p_value is None else c.p_value for c in found]
    pairs = zip(holm(p_values), benjamini_hochberg(p_values), strict=True)
    return tuple(
        replace(comparison, p_holm=number(strict), p_discovery=number(loose))
        for comparison, (strict, loose) in zip(found, pairs, strict=True)
    )


def number(value: object) -> float | None:
    """A finite number, or None."""
    found = float(np.asarray(value, dtype=np.float64))
    return found if math.isfinite(found) else None


def _comparison(
    design: Design, outcome: Outcome, arm: str, arms: Mapping[str, Estimate], more: str
) -> Comparison:
    control, treated = arms[design.control], arms[arm]
    shown = compare(control, treated, design.rule)
    return Comparison(
        arm=arm,
        control=design.control,
        metric=outcome.metric,
        control_mean=raw_mean(outcome.moments[design.control], outcome),
        arm_mean=raw_mean(outcome.moments[arm], outcome),
        effect=number(shown.effect),
        effect_low=number(shown.low),
        effect_high=number(shown.high),
        lift=number(shown.lift),
        lift_low=number(shown.lift_low),
        lift_high=number(shown.lift_high),
        p_value=number(shown.p_value),
        p_holm=None,
        p_discovery=None,
        control_units=int(control.units),
        arm_units=int(treated.units),
        method=method(design, outcome) + more,
        better=outcome.better,
        kind=outcome.kind,
        control_mean_adjusted=number(control.whole),
        arm_mean_adjusted=number(treated.whole),
        no_interval=_no_interval(shown, {design.control: control, arm: treated}),
    )


def _no_interval(shown: Effect, arms: Mapping[str, Estimate]) -> str:
    """Why there is none, and which number it takes; empty where there is one."""
    if number(shown.low) is not None:
        return ""
    few = [f"{arm} has {one.units:,.0f}" for arm, one in arms.items() if one.units < _FEWEST]
    if few:
        return f"too few to say: it takes {_FEWEST} units in each arm, and {' and '.join(few)}"
    if number(shown.effect) is None:
        return "the metric has no value in one of the arms"
    return "nothing varies within the arms, so nobody can tell chance from effect"


def method(design: Design, outcome: Outcome) -> str:
    """How a metric was compared, in a few words."""
    covariates = len(outcome.pairs) - 1
    parts = [design.rule.name, outcome.kind]
    parts += ["delta method"] if outcome.kind == RATIO else []
    parts += [f"CUPED (covariates: {covariates})"] if covariates else []
    parts += ["clustered"] if outcome.clustered else []
    return ", ".join(parts)
