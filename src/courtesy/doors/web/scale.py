"""A range of values across a chart, with round ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_TICKS = 5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_ROUNDING = 1 - 1e-9
_NARROWEST = 0.01


@dataclass(frozen=True)
class Scale:
    """A range of values across a chart, with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value stands across, in percent."""
        return 100 * (value - self.low) / (self.high - self.low)


def scale(values: Sequence[float], narrowest: float = _NARROWEST) -> Scale:
    """A range that holds all values and zero, ends on round numbers and spans ``narrowest``."""
    low, high = min(*values, 0.0), max(*values, 0.0)
    rough = max(high - low, narrowest) / _TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in _STEPS if size * factor >= rough * _ROUNDING)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)
    ticks = tuple(float(f"{number * step:.10g}") for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)
