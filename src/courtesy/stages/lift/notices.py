"""What a reader has to know beside the figures."""

from collections.abc import Iterator

from courtesy.ground.stats import Moments, ratios
from courtesy.stages.lift.estimates import people_of, present
from courtesy.stages.lift.model import (
    PROPORTION,
    RATIO,
    Comparison,
    Design,
    Notice,
    Outcome,
    SampleRatio,
)

_FEW = 10
_FEW_CLUSTERS = 30


def of_design(design: Design, ratio: SampleRatio | None) -> Iterator[Notice]:
    """What is wrong with the arms."""
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


def of_outcome(design: Design, outcome: Outcome) -> Iterator[Notice]:
    """What is thin about a metric's sums."""
    sums = {arm: outcome.moments[arm] for arm in present(design)}
    pieces = [ratios(moments, outcome.pairs[:1]) for moments in sums.values() if moments.count]
    if not any(piece.scatter.any() for piece in pieces):
        yield from _constant(outcome, {float(piece.mean[0]) for piece in pieces})
    for arm, moments in sums.items():
        yield from _of_arm(arm, moments, outcome)


def of_comparison(comparison: Comparison) -> Iterator[Notice]:
    """Which figures are missing, and why."""
    what = f"{comparison.metric} of arm {comparison.arm}"
    if comparison.effect is None:
        yield Notice("no_effect", f"{what} cannot be computed.")
    elif comparison.effect_low is None:
        yield Notice(
            "no_interval", f"{what} has no interval: too few units, or they do not differ."
        )
    if comparison.control_mean == 0:
        yield Notice("no_lift", f"{what} has no relative lift: the control's mean is zero.")
    elif comparison.effect_low is not None and comparison.lift_low is None:
        yield Notice(
            "unbounded_lift",
            f"{what} has a relative lift without bounds: the control's mean is too close to zero.",
        )


def _constant(outcome: Outcome, values: set[float]) -> Iterator[Notice]:
    """Where nothing varies within the arms; by rounding, or in truth."""
    if len(values) == 1:
        yield Notice("constant_metric", f"{outcome.metric} is the same for everybody.")
    elif values:
        yield Notice(
            "constant_arms",
            f"{outcome.metric} does not vary within the arms, or too little beside its size to be "
            "computed, so nobody can tell chance from effect.",
        )


def _of_arm(arm: str, moments: Moments, outcome: Outcome) -> Iterator[Notice]:
    units = float(moments.count)
    below = outcome.pairs[0][1]
    if outcome.kind == RATIO and units and below is not None and not moments.mean[..., below]:
        yield Notice("no_denominator", f"{outcome.metric} is over a sum of zero in arm {arm}.")
    hits = units * float(moments.mean[..., 0])
    people = people_of(moments, outcome)
    if units <= 1:
        yield Notice("too_few", f"{outcome.metric} is known of {units:.0f} units in arm {arm}.")
    elif outcome.kind == PROPORTION and min(hits, people - hits) < _FEW:
        yield Notice(
            "few_outcomes",
            f"{outcome.metric} has {hits:.0f} of {people:.0f} in arm {arm}; below {_FEW} the "
            "interval is rough.",
        )
    if outcome.clustered and 1 < units < _FEW_CLUSTERS:
        yield Notice(
            "few_clusters",
            f"{outcome.metric} is known of {units:.0f} clusters in arm {arm}; below "
            f"{_FEW_CLUSTERS} the interval for one look is too narrow.",
        )
