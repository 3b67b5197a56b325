"""How a result is shown: as text for people, as JSON-ready data for programs."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from courtesy.stages.lift.model import (
    Comparison,
    FactorEffect,
    Lift,
    OnTreated,
    Spread,
    Triggered,
)
from courtesy.stages.lift.verdict import UNKNOWN, association, sentence, unjudged, verdict

NO_INTERVAL = "no interval: too few to say"
_MUCH = 1_000


def as_data(lift: Lift) -> dict[str, Any]:
    """The result as plain dicts, lists, texts, numbers and None; never NaN or infinity."""
    data: dict[str, Any] = _plain_data(asdict(lift))
    for comparison, row in zip(lift.comparisons, data["comparisons"], strict=True):
        row["verdict"] = verdict(comparison, lift.alpha) if _sound(lift) else UNKNOWN
    return data | {"warnings": [str(notice) for notice in lift.warnings]}


def as_text(lift: Lift) -> str:
    """The result in sentences, one for each comparison, with its warnings."""
    return "\n".join(_lines(lift))


def _plain_data(value: Any) -> Any:  # noqa: ANN401 - whatever stands in a result
    if isinstance(value, dict):
        return {key: _plain_data(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_data(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _lines(lift: Lift) -> Iterator[str]:
    yield f"{lift.name}: each arm beside {lift.control}"
    for arm in lift.arms:
        expected = f", expected {arm.expected_share:.1%}" if arm.expected_share is not None else ""
        yield f"  {arm.arm}: {arm.units:,} units ({arm.share:.1%}{expected})"
    if lift.sample_ratio:
        word = "as expected" if lift.sample_ratio.ok else "NOT as expected"
        yield f"  sample ratio {word} (p = {lift.sample_ratio.p_value:.3g})"
    for comparison in lift.comparisons:
        yield sentence(comparison, lift.alpha) if _sound(lift) else unjudged(comparison)
        yield from _figures(comparison, lift, "effect")
    for comparison in lift.associations:
        yield association(comparison)
        yield from _figures(comparison, lift, "association")
    yield from _second_looks(lift)
    yield from (f"! {notice}" for notice in lift.warnings)


def _sound(lift: Lift) -> bool:
    """Whether the arms have the people that they should; else nothing is concluded."""
    return lift.sample_ratio is None or lift.sample_ratio.ok


def _figures(comparison: Comparison, lift: Lift, word: str) -> Iterator[str]:
    sure = f"{100 * (1 - lift.alpha):.4g}%"
    yield f"  {_plain(comparison.control_mean)} -> {_plain(comparison.arm_mean)}"
    if comparison.is_adjusted:
        here, there = comparison.control_mean_adjusted, comparison.arm_mean_adjusted
        yield f"  adjusted {_plain(here)} -> {_plain(there)}"
    ends = _ends(comparison.effect_low, comparison.effect_high, f"{sure} interval ")
    yield f"  {word} {_signed(comparison.effect)} ({ends})"
    yield f"  {'lift' if word == 'effect' else 'relative'} {_relative(comparison)}"
    yield f"  {_p_value(comparison.p_value, comparison.p_holm)}; {comparison.method}"


def _relative(comparison: Comparison) -> str:
    if comparison.lift is None:
        return "unknown (there is none to a mean of zero)"
    low, high = comparison.lift_low, comparison.lift_high
    if low is not None and high is not None:
        return f"{comparison.lift:+.2%} ({low:+.2%} to {high:+.2%})"
    if comparison.effect_low is None:
        return f"{comparison.lift:+.2%} ({NO_INTERVAL})"
    return f"{comparison.lift:+.2%} (no interval: the control's mean is too close to zero)"


def _second_looks(lift: Lift) -> Iterator[str]:
    yield from map(_treated, lift.on_treated)
    yield from map(_triggered, lift.triggered)
    yield from map(_factor, lift.factors)
    for spread in lift.spreads:
        yield from _spread(spread)
    if lift.looks:
        first, last = lift.looks[0], lift.looks[-1]
        yield f"looked at each day from {first.day} to {last.day}"


def _treated(one: OnTreated) -> str:
    return (
        f"{one.metric}, {one.arm}: {_signed(one.effect)} "
        f"({_ends(one.effect_low, one.effect_high)}) for each person reached; {one.reached:.1%} "
        f"of the arm and {one.control_reached:.1%} of the control were; {one.method}"
    )


def _triggered(one: Triggered) -> str:
    whole = f"{_signed(one.diluted)} ({_ends(one.diluted_low, one.diluted_high)}) for everybody"
    return (
        f"{one.metric}, {one.arm}: {_signed(one.effect)} "
        f"({_ends(one.effect_low, one.effect_high)}) for the {one.units:,} people who came to the "
        f"trigger ({one.share:.1%}); {whole}"
    )


def _factor(one: FactorEffect) -> str:
    pairs = zip(one.factors, one.levels, strict=True)
    what = " and ".join(f"{factor} = {level}" for factor, level in pairs)
    word = " beyond their sum" if len(one.factors) > 1 else ""
    return (
        f"{one.metric}, {what}{word}: {_signed(one.effect)} "
        f"({_ends(one.effect_low, one.effect_high)}); {_p_value(one.p_value, one.p_discovery)}"
    )


def _spread(spread: Spread) -> Iterator[str]:
    yield (
        f"{spread.metric}, {spread.arm}, by {spread.trait}: {_signed(spread.overall)} on all; "
        f"p = {_plain(spread.p_value)} for no difference between segments"
    )
    for one in spread.segments:
        ends = _ends(one.effect_low, one.effect_high)
        yield f"  {one.segment}: {_signed(one.effect)} ({ends}), {one.units:,} people"


def _ends(low: float | None, high: float | None, word: str = "") -> str:
    if low is None or high is None:
        return NO_INTERVAL
    return f"{word}{_signed(low)} to {_signed(high)}"


def _p_value(value: float | None, corrected: float | None) -> str:
    if value is None:
        return "p = unknown"
    return f"p = {_plain(value)}" + (
        "" if corrected is None else f", corrected {_plain(corrected)}"
    )


def _plain(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.4g}" if abs(value) < _MUCH else f"{value:,.2f}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{'+' if value > 0 else ''}{_plain(value)}"
