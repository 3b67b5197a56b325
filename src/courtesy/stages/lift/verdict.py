"""What a comparison comes down to, in a word and in a sentence for everybody."""

import math
from collections.abc import Sequence

from courtesy.stages.lift.estimates import corrected
from courtesy.stages.lift.model import HIGHER, PROPORTION, Comparison

BETTER = "better"
WORSE = "worse"
NOT_SIGNIFICANT = "not_significant"
UNKNOWN = "unknown"

_ACTS = {BETTER: "helps", WORSE: "harms"}
_DIGITS = 2
_MOST_PLACES = 8


def verdict(comparison: Comparison, alpha: float) -> str:
    """``better``, ``worse``, ``not_significant`` or ``unknown``.

    Decided on the p-value that is corrected for several comparisons (Holm), and on the interval
    where there is no p-value.
    """
    effect, low, high = comparison.effect, comparison.effect_low, comparison.effect_high
    if effect is None or low is None or high is None:
        return UNKNOWN
    p_value = comparison.p_value if comparison.p_holm is None else comparison.p_holm
    shown = not low <= 0 <= high if p_value is None else p_value < alpha
    if not shown:
        return NOT_SIGNIFICANT
    return BETTER if (effect > 0) == (comparison.better == HIGHER) else WORSE


def decided(comparisons: Sequence[Comparison], metric: str) -> tuple[Comparison, ...]:
    """Every arm on one metric, corrected for there being several arms and for nothing else.

    So the primary metric of a plan is decided on, and each guardrail.
    """
    return corrected([comparison for comparison in comparisons if comparison.metric == metric])


def sentence(comparison: Comparison, alpha: float) -> str:
    """What an effect comes down to, for people; for arms that chance made."""
    found = verdict(comparison, alpha)
    if found == UNKNOWN:
        return _untold(comparison)
    if found == NOT_SIGNIFICANT:
        return f"{_levels(comparison)}. {_not_shown(comparison)} The mix stays as it is."
    return f"{_levels(comparison)}: {_gap(comparison)}, so it {_ACTS[found]}."


def association(comparison: Comparison) -> str:
    """How two groups differ that chance did not make: nothing of it is an effect."""
    if comparison.effect is None or comparison.effect_low is None:
        return _untold(comparison)
    return (
        f"{_levels(comparison)}: {_gap(comparison)}. Chance did not choose who got what, so this "
        "is a difference between the groups and not what the treatment did."
    )


def _untold(comparison: Comparison) -> str:
    why = f" ({comparison.no_interval})" if comparison.no_interval else ""
    return f"{comparison.metric}: too little is known of {comparison.arm} to say anything{why}."


def unjudged(comparison: Comparison) -> str:
    """The figures alone, where the arms do not have the people that they should."""
    return f"{_levels(comparison)}. No verdict: the arms do not have the shares that they should."


def _levels(comparison: Comparison) -> str:
    here, there = (
        _level(comparison, comparison.arm_mean),
        _level(comparison, comparison.control_mean),
    )
    return f"{comparison.metric}: {here} with {comparison.arm}, {there} with {comparison.control}"


def _gap(comparison: Comparison) -> str:
    """The size of the difference: ``0.8 points more (0.2 to 1.4)``."""
    effect, low, high = comparison.effect or 0.0, comparison.effect_low, comparison.effect_high
    sign = 1 if effect >= 0 else -1
    ends = sorted(sign * end for end in (low, high) if end is not None)
    word = "more" if effect >= 0 else "less"
    unit = f" {_unit(comparison)}".rstrip()
    size = _rounded(comparison, sign * effect)
    reach = " to ".join(_rounded(comparison, end) for end in ends)
    return f"{_adjusted(comparison)}{size}{unit} {word} ({reach})"


def _not_shown(comparison: Comparison) -> str:
    low, high = comparison.effect_low or 0.0, comparison.effect_high or 0.0
    unit = f" {_unit(comparison)}".rstrip()
    ends = f"{_signed(comparison, low)} and {_signed(comparison, high)}{unit}"
    if low <= 0 <= high:
        said = _adjusted(comparison)
        return f"The data do not show a difference: {said}it lies between {ends}."
    return (
        f"By itself it would lie between {ends}, but among so many comparisons one looks like that "
        "by chance, so the data do not show a difference."
    )


def _adjusted(comparison: Comparison) -> str:
    """What the means beside it do not say, since they are the arms' own."""
    return "adjusted for what was known before, " if comparison.is_adjusted else ""


def _unit(comparison: Comparison) -> str:
    return "points" if comparison.kind == PROPORTION else ""


def _level(comparison: Comparison, value: float | None) -> str:
    if value is None:
        return "no value"
    return _rounded(comparison, value) + ("%" if comparison.kind == PROPORTION else "")


def _signed(comparison: Comparison, value: float) -> str:
    return f"{'+' if value > 0 else ''}{_rounded(comparison, value)}"


def _rounded(comparison: Comparison, value: float) -> str:
    scale = 100 if comparison.kind == PROPORTION else 1
    text = f"{scale * value:,.{_places(comparison, scale)}f}"
    return text if float(text.replace(",", "")) else text.removeprefix("-")


def _places(comparison: Comparison, scale: int) -> int:
    """Two digits of the interval's width, and two of the arms' values at least."""
    levels = [abs(one) for one in (comparison.arm_mean, comparison.control_mean) if one is not None]
    low, high = comparison.effect_low, comparison.effect_high
    sizes = [max(levels, default=0.0), 0.0 if low is None or high is None else high - low]
    least = scale * min((size for size in sizes if size > 0), default=1.0)
    return min(max(_DIGITS - 1 - math.floor(math.log10(least)), 0), _MOST_PLACES)
