"""How a result is shown: as text for people, as JSON-ready data for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from courtesy.stages.lift.model import Comparison, Lift

_MUCH = 1_000


def as_data(lift: Lift) -> dict[str, Any]:
    """The result as plain dicts, lists, texts, numbers and None; never NaN or infinity."""
    data = asdict(lift)
    for part in ("arms", "comparisons", "associations"):
        data[part] = list(data[part])
    return data | {"warnings": [str(notice) for notice in lift.warnings]}


def as_text(lift: Lift) -> str:
    """The result in sentences, one for each comparison, with its warnings."""
    return "\n".join(_lines(lift))


def verdict(comparison: Comparison) -> str:
    """One of ``higher``, ``lower``, ``no difference shown`` and ``cannot be told``."""
    low, high = comparison.effect_low, comparison.effect_high
    if low is None or high is None:
        return "cannot be told"
    if low > 0:
        return "higher"
    return "lower" if high < 0 else "no difference shown"


def _lines(lift: Lift) -> Iterator[str]:
    yield f"{lift.name}: each arm beside {lift.control}"
    for arm in lift.arms:
        expected = f", expected {arm.expected_share:.1%}" if arm.expected_share is not None else ""
        yield f"  {arm.arm}: {arm.units:,} units ({arm.share:.1%}{expected})"
    if lift.sample_ratio:
        word = "as expected" if lift.sample_ratio.ok else "NOT as expected"
        yield f"  sample ratio {word} (p = {lift.sample_ratio.p_value:.3g})"
    yield from (line for c in lift.comparisons for line in _comparison(c, lift, "effect"))
    yield from (line for c in lift.associations for line in _comparison(c, lift, "association"))
    yield from (f"! {notice}" for notice in lift.warnings)


def _comparison(comparison: Comparison, lift: Lift, word: str) -> Iterator[str]:
    sure = f"{1 - lift.alpha:.3g}".removeprefix("0.")
    yield f"{comparison.metric}, {comparison.arm}: {verdict(comparison)}"
    yield f"  {_plain(comparison.control_mean)} -> {_plain(comparison.arm_mean)}"
    ends = f"{_signed(comparison.effect_low)} to {_signed(comparison.effect_high)}"
    yield f"  {word} {_signed(comparison.effect)} ({sure} % interval {ends})"
    ends = f"{_percent(comparison.lift_low)} to {_percent(comparison.lift_high)}"
    relative = "lift" if word == "effect" else "relative"
    yield f"  {relative} {_percent(comparison.lift)} ({ends})"
    yield f"  p = {_plain(comparison.p_value)}; {comparison.method}"


def _plain(value: float | None) -> str:
    return (
        "unknown" if value is None else f"{value:,.4g}" if abs(value) < _MUCH else f"{value:,.2f}"
    )


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{'+' if value > 0 else ''}{_plain(value)}"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2%}"
