"""The effect on those who came to where the arms differ, and what it is for everybody exposed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from courtesy.ground.stats import ALARM, Estimate, chi_square, compare, diluted
from courtesy.stages.lift.estimates import number, of_arms
from courtesy.stages.lift.model import RATIO, Design, Notice, Outcome, Tally, Triggered


def triggered(design: Design, tally: Tally) -> tuple[Triggered, ...]:
    """The effect on those who came there, of every arm on every metric.

    Args:
        design: the arms of everybody exposed, and how sure we want to be.
        tally: the sums of those who came, counted from that moment on; ``exposed`` is everybody.

    Returns:
        What it is for everybody is None for ratio metrics, to which the others also add.
    """
    if not design.randomised or not tally.units.get(design.control):
        return ()
    return tuple(one for outcome in tally.outcomes for one in _of(design, tally, outcome))


def trigger_notices(design: Design, tally: Tally) -> Iterator[Notice]:
    """Whether an arm changes who comes there, which would bias every figure about them."""
    p_value = _uneven(design, tally) if design.randomised else None
    if p_value is not None and p_value < ALARM:
        yield Notice(
            "trigger_ratio",
            f"The arms differ in how many people came to the trigger (p = {p_value:.2g}), so those "
            "who came are not alike in all arms. Find out why before believing any effect on them.",
        )


def _uneven(design: Design, tally: Tally) -> float | None:
    """The p-value for the same share coming in every arm; None where that cannot be asked."""
    arms = [arm for arm, units in _exposed(design, tally).items() if units]
    if tally.assigned is not None:
        shares = design.shares
        counts = [tally.assigned.get(arm, 0) for arm in arms]
        return float(chi_square(counts, [shares[arm] for arm in arms])) if shares else None
    came = np.array([tally.units.get(arm, 0) for arm in arms])
    stayed = np.array([_exposed(design, tally)[arm] for arm in arms]) - came
    if len(arms) < 2 or not came.sum() or stayed.sum() <= 0:  # noqa: PLR2004 - two to compare
        return None
    from scipy import stats  # noqa: PLC0415 - slow to load, and seldom needed

    return float(stats.chi2_contingency([came, stayed], correction=False).pvalue)


def _exposed(design: Design, tally: Tally) -> Mapping[str, int]:
    return tally.exposed or design.units


def _of(design: Design, tally: Tally, outcome: Outcome) -> Iterator[Triggered]:
    came = {arm: tally.units.get(arm, 0) for arm in design.units}
    arms = of_arms(replace(design, units=came), outcome)
    control = arms.pop(design.control)
    for arm, treated in arms.items():
        whole = _dilution(design, tally, arm)
        yield _one(design, (outcome, arm), (control, treated), whole)


@dataclass(frozen=True)
class _Whole:
    """Of the control and an arm: who came, the share that they are, and what that rests on."""

    came: int
    share: float
    counted: int


def _dilution(design: Design, tally: Tally, arm: str) -> _Whole:
    pair = (design.control, arm)
    came = sum(tally.units[one] for one in pair)
    exposed = sum(_exposed(design, tally)[one] for one in pair)
    counted = sum(design.assigned[one] for one in pair) if design.assigned else exposed
    return _Whole(came, came / exposed, counted)


def _one(
    design: Design, what: tuple[Outcome, str], pair: tuple[Estimate, Estimate], whole: _Whole
) -> Triggered:
    outcome, arm = what
    shown = compare(*pair, design.rule)
    everybody = diluted(*pair, np.asarray(whole.share), np.asarray(whole.counted), design.rule)
    plain = outcome.kind != RATIO
    return Triggered(
        arm=arm,
        metric=outcome.metric,
        units=whole.came,
        share=whole.share,
        effect=number(shown.effect),
        effect_low=number(shown.low),
        effect_high=number(shown.high),
        diluted=number(everybody.effect) if plain else None,
        diluted_low=number(everybody.low) if plain else None,
        diluted_high=number(everybody.high) if plain else None,
    )
