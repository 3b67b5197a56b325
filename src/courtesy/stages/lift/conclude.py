"""From sums to statements: every arm beside the control, on every metric."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import (
    ALARM,
    Estimate,
    Moments,
    adjusted,
    benjamini_hochberg,
    chi_square,
    compare,
    holm,
    mean_of,
    ratios,
    sequential,
)
from courtesy.stages.lift.model import (
    PROPORTION,
    RATIO,
    Arm,
    Comparison,
    Design,
    Lift,
    Notice,
    Outcome,
    SampleRatio,
)

_FEW = 10


def conclude(design: Design, outcomes: Sequence[Outcome], notices: Sequence[Notice] = ()) -> Lift:
    """What the sums of an experiment say.

    Args:
        design: the arms and how they were made.
        outcomes: one for each metric, with the same arms.
        notices: what is known already, to stand among the warnings.

    Raises:
        DataError: the control is not among the arms or is empty, or there is nothing beside it.
    """
    _check(design)
    found = [c for outcome in outcomes for c in _comparisons(design, outcome)]
    corrected = tuple(_corrected(found))
    ratio = _sample_ratio(design)
    warnings = [*notices, *_design_notices(design, ratio)]
    warnings += [n for outcome in outcomes for n in _outcome_notices(design, outcome)]
    warnings += [n for comparison in corrected for n in _gaps(comparison)]
    return Lift(
        name=design.name,
        control=design.control,
        alpha=design.rule.alpha,
        randomised=design.randomised,
        arms=_arms(design),
        sample_ratio=ratio,
        comparisons=corrected if design.randomised else (),
        associations=() if design.randomised else corrected,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _check(design: Design) -> None:
    arms = ", ".join(sorted(design.units)) or "none"
    if not design.units.get(design.control):
        raise DataError(f"Nobody is in the control {design.control!r}; the arms are: {arms}.")
    if not any(units for arm, units in design.units.items() if arm != design.control):
        raise DataError(f"There is no arm with people beside the control {design.control!r}.")


def _arms(design: Design) -> tuple[Arm, ...]:
    everyone = sum(design.units.values())
    expected = sum(design.shares.values()) if design.shares else 0
    return tuple(
        Arm(arm, units, units / everyone, design.shares[arm] / expected if design.shares else None)
        for arm, units in design.units.items()
    )


def _sample_ratio(design: Design) -> SampleRatio | None:
    if not design.randomised or not design.shares:
        return None
    counts = list((design.assigned or design.units).values())
    shares = [design.shares[arm] for arm in design.assigned or design.units]
    p_value = float(chi_square(counts, shares))
    return SampleRatio(p_value, float(sequential(counts, shares)), ok=p_value >= ALARM)


def _comparisons(design: Design, outcome: Outcome) -> Iterator[Comparison]:
    arms = [arm for arm, units in design.units.items() if units]
    estimates = dict(
        zip(arms, _estimates([outcome.moments[a] for a in arms], outcome), strict=True)
    )
    for arm in arms:
        if arm != design.control:
            yield _comparison(design, outcome, arm, estimates)


def _estimates(arms: Sequence[Moments], outcome: Outcome) -> list[Estimate]:
    pieces = [ratios(moments, outcome.pairs) for moments in arms]
    return adjusted(pieces) if len(outcome.pairs) > 1 else [mean_of(piece) for piece in pieces]


def _comparison(
    design: Design, outcome: Outcome, arm: str, estimates: Mapping[str, Estimate]
) -> Comparison:
    control, treated = estimates[design.control], estimates[arm]
    shown = compare(control, treated, design.rule)
    return Comparison(
        arm=arm,
        control=design.control,
        metric=outcome.metric,
        control_mean=_number(control.value),
        arm_mean=_number(treated.value),
        effect=_number(shown.effect),
        effect_low=_number(shown.low),
        effect_high=_number(shown.high),
        lift=_number(shown.lift),
        lift_low=_number(shown.lift_low),
        lift_high=_number(shown.lift_high),
        p_value=_number(shown.p_value),
        p_holm=None,
        p_discovery=None,
        control_units=int(control.units),
        arm_units=int(treated.units),
        method=_method(design, outcome),
    )


def _method(design: Design, outcome: Outcome) -> str:
    covariates = len(outcome.pairs) - 1
    parts = [design.rule.name, outcome.kind]
    parts += ["delta method"] if outcome.kind == RATIO else []
    parts += [f"CUPED (covariates: {covariates})"] if covariates else []
    parts += ["clustered"] if outcome.clustered else []
    return ", ".join(parts)


def _corrected(found: Sequence[Comparison]) -> Iterator[Comparison]:
    p_values = [math.nan if c.p_value is None else c.p_value for c in found]
    pairs = zip(holm(p_values), benjamini_hochberg(p_values), strict=True)
    for comparison, (strict, loose) in zip(found, pairs, strict=True):
        yield replace(comparison, p_holm=_number(strict), p_discovery=_number(loose))


def _number(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]  # a NumPy scalar or array of one number
    return number if math.isfinite(number) else None


def _design_notices(design: Design, ratio: SampleRatio | None) -> Iterator[Notice]:
    if not design.randomised:
        yield Notice(
            "not_randomised",
            "People were not assigned by chance, so nothing here is the effect of the treatment: "
            "the figures say how the groups differ.",
        )
    if ratio and not ratio.ok:
        yield Notice(
            "sample_ratio",
            f"The arms do not have the shares they should (p = {ratio.p_value:.2g}; "
            f"{ratio.sequential_p_value:.2g} if looked at again and again). Find out why before "
            "believing any effect.",
        )
    for arm, units in design.units.items():
        if not units:
            yield Notice("empty_arm", f"Nobody is in the arm {arm}; it is not compared.")


def _outcome_notices(design: Design, outcome: Outcome) -> Iterator[Notice]:
    present = {arm: outcome.moments[arm] for arm, units in design.units.items() if units}
    top = outcome.pairs[0][0]
    if all(m.scatter[..., top, top] <= 0 for m in present.values()):
        yield Notice("constant_metric", f"{outcome.metric} is the same for everybody.")
    for arm, moments in present.items():
        yield from _arm_notices(arm, moments, outcome)


def _arm_notices(arm: str, moments: Moments, outcome: Outcome) -> Iterator[Notice]:
    units = float(moments.count)
    hits = units * float(moments.mean[..., 0])
    if units <= 1:
        yield Notice("too_few", f"{outcome.metric} is known of {units:.0f} units in arm {arm}.")
    elif outcome.kind == PROPORTION and min(hits, units - hits) < _FEW:
        yield Notice(
            "few_outcomes",
            f"{outcome.metric} has {hits:.0f} of {units:.0f} in arm {arm}; below {_FEW} the "
            "interval is rough.",
        )


def _gaps(comparison: Comparison) -> Iterator[Notice]:
    what = f"{comparison.metric} of arm {comparison.arm}"
    if comparison.effect is None:
        yield Notice("no_effect", f"{what} cannot be computed.")
    elif comparison.effect_low is None:
        yield Notice("no_interval", f"{what} has no interval: too few units, or none differ.")
    if comparison.control_mean == 0:
        yield Notice("no_lift", f"{what} has no relative lift: the control's mean is zero.")
    elif comparison.effect_low is not None and comparison.lift_low is None:
        yield Notice(
            "unbounded_lift",
            f"{what} has a relative lift without bounds: the control's mean is too close to zero.",
        )
