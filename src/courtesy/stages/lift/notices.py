"""What a reader has to know beside the figures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from courtesy.ground.stats import FEW_OUTCOMES, Moments, ratios
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

_FEW_CLUSTERS = 30


@dataclass(frozen=True)
class Case:
    """Something to know of a metric, or of it in one arm; several of one kind are one notice.

    ``said``: the sentence before the list of all that it is true of. ``arm``: with its figures.
    """

    name: str
    said: str
    metric: str
    arm: str = ""


def gathered(cases: Iterable[Case]) -> Iterator[Notice]:
    """One notice of each kind, which names all metrics and arms, in the order of their first."""
    found: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    for case in cases:
        metrics = found.setdefault((case.name, case.said), {})
        metrics.setdefault(case.metric, {})[case.arm] = None
    for (name, said), metrics in found.items():
        listed = "; ".join(_listed(metric, filter(None, arms)) for metric, arms in metrics.items())
        yield Notice(name, f"{said}: {listed}.")


def _listed(metric: str, arms: Iterable[str]) -> str:
    told = ", ".join(arms)
    return f"{metric} in {told}" if told else metric


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
    empty = [arm for arm, units in design.units.items() if not units]
    if empty:
        yield Notice("empty_arm", f"Arms without anybody are not compared: {', '.join(empty)}.")


def of_outcome(design: Design, outcome: Outcome) -> Iterator[Case]:
    """What is thin about a metric's sums."""
    sums = {arm: outcome.moments[arm] for arm in present(design)}
    pieces = [ratios(moments, outcome.pairs[:1]) for moments in sums.values() if moments.count]
    if not any(piece.scatter.any() for piece in pieces):
        yield from _constant(outcome, {float(piece.mean[0]) for piece in pieces})
    for arm, moments in sums.items():
        yield from _of_arm(arm, moments, outcome)


def of_comparison(comparison: Comparison) -> Iterator[Case]:
    """Which figures are missing, and why."""
    what = comparison.metric, comparison.arm
    if comparison.effect is None:
        yield Case("no_effect", "What cannot be computed", *what)
    elif comparison.effect_low is None:
        why = f" ({comparison.no_interval})" if comparison.no_interval else ""
        yield Case("no_interval", "There is no interval and no verdict", what[0], what[1] + why)
    if comparison.control_mean == 0:
        said = "There is no relative lift where the control's mean is zero"
        yield Case("no_lift", said, *what)
    elif comparison.effect_low is not None and comparison.lift_low is None:
        said = "The relative lift has no bounds where the control's mean is too close to zero"
        yield Case("unbounded_lift", said, *what)


def _constant(outcome: Outcome, values: set[float]) -> Iterator[Case]:
    """Where nothing varies within the arms; by rounding, or in truth."""
    if len(values) == 1:
        yield Case("constant_metric", "What is the same for everybody", outcome.metric)
    elif values:
        yield Case(
            "constant_arms",
            "Nobody can tell chance from effect where a metric does not vary within the arms, or "
            "too little beside its size to be computed",
            outcome.metric,
        )


def _of_arm(arm: str, moments: Moments, outcome: Outcome) -> Iterator[Case]:
    units, metric = float(moments.count), outcome.metric
    below = outcome.pairs[0][1]
    if outcome.kind == RATIO and units and below is not None and not moments.mean[..., below]:
        yield Case("no_denominator", "What is over a sum of zero", metric, arm)
    hits = units * float(moments.mean[..., 0])
    people = people_of(moments, outcome)
    if units <= 1:
        yield Case("too_few", "What is known of one unit or none", metric, f"{arm} ({units:.0f})")
    elif outcome.kind == PROPORTION and min(hits, people - hits) < FEW_OUTCOMES:
        said = f"The interval is rough where fewer than {FEW_OUTCOMES} did it or did not"
        yield Case("few_outcomes", said, metric, f"{arm} ({hits:.0f} of {people:.0f})")
    if outcome.clustered and 1 < units < _FEW_CLUSTERS:
        said = f"Below {_FEW_CLUSTERS} clusters the interval for one look is too narrow"
        yield Case("few_clusters", said, metric, f"{arm} ({units:.0f})")
