"""From sums to statements: every arm beside the control, on every metric."""

from collections.abc import Sequence

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import ALARM, chi_square, sequential
from courtesy.stages.experiments.rounds import Round
from courtesy.stages.lift import notices as noticed
from courtesy.stages.lift.estimates import comparisons, corrected, of_arms
from courtesy.stages.lift.model import Arm, Design, Lift, Notice, Outcome, SampleRatio


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
    found = corrected([c for o in outcomes for c in comparisons(design, o, of_arms(design, o))])
    ratio = _sample_ratio(design)
    warnings = [*notices, *noticed.of_design(design, ratio)]
    cases = [case for outcome in outcomes for case in noticed.of_outcome(design, outcome)]
    cases += [case for comparison in found for case in noticed.of_comparison(comparison)]
    warnings += noticed.gathered(cases)
    return Lift(
        name=design.name,
        control=design.control,
        alpha=design.rule.alpha,
        randomised=design.randomised,
        arms=_arms(design),
        sample_ratio=ratio,
        comparisons=found if design.randomised else (),
        associations=() if design.randomised else found,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _check(design: Design) -> None:
    arms = ", ".join(sorted(arm for arm, units in design.units.items() if units)) or "none"
    if not design.units.get(design.control):
        raise DataError(
            f"Nobody is in the control {design.control!r}; arms with people: {arms}.",
            place=design.name,
        )
    if not any(units for arm, units in design.units.items() if arm != design.control):
        raise DataError(
            f"There is no arm with people beside the control {design.control!r}.",
            place=design.name,
        )


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
    dealt = design.rounds or [Round(design.assigned or design.units, design.shares)]
    counts = [[one.units[arm] for arm in design.units] for one in dealt]
    shares = [[one.shares[arm] for arm in design.units] for one in dealt]
    p_value = float(chi_square(counts, shares))
    return SampleRatio(p_value, float(sequential(counts, shares)), ok=p_value >= ALARM)
