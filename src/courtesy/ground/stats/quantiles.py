"""The effect on a quantile, such as the median, from how many values lie below each value.

Whoever lies below the true quantile does so with its own probability, so the count of them is
binomial whatever the values are: however heavy their tails and however many are equal. A pair of
quantiles, one of each arm, is compatible with the data where the two counts together surprise no
more than the rule allows; the interval holds the differences of all compatible pairs. For one look
that is the empirical likelihood of Zhou & Jing (2003), "Smoothed empirical likelihood confidence
intervals for the difference of quantiles", Statistica Sinica 13, with the closed range of counts
that equal values leave open. For any number of looks the likelihood is mixed over what the shares
could be (Robbins 1970, "Statistical Methods Related to the Law of the Iterated Logarithm"), which
makes the interval a confidence sequence, exact at every size: see Howard & Ramdas (2022),
"Sequential estimation of quantiles with applications to A/B testing and best-arm identification".

The sample quantile is the middle of all values that are one, definition 2 of Hyndman & Fan (1996),
"Sample Quantiles in Statistical Packages"; the interval rests on the same set.
"""

import math
from dataclasses import dataclass

import numpy as np

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.moments import Array
from courtesy.ground.stats.rule import AlwaysValid, Rule

_FEWEST_OUTSIDE = 10
_MOST = 2**40
_ROUNDING = 1e-9


@dataclass(frozen=True)
class QuantileEffect:
    """Treated minus control at a quantile, and relative to the control, with ends and p-value.

    Ends and the p-value are NaN where an arm has too few values; those of the lift also where the
    control's quantile may be zero or below.
    """

    control: float
    treated: float
    effect: float
    low: float
    high: float
    lift_low: float
    lift_high: float
    p_value: float


@dataclass(frozen=True)
class QuantileAlwaysValid(AlwaysValid):
    """The always-valid rule as it reaches for a quantile: two shares are mixed over, not one."""

    def reach(self, units: Array, freedom: Array) -> Array:
        """The boundary at so many units, in standard errors, where both arms have half of them."""
        del freedom
        grown = self._growth(units)
        with np.errstate(divide="ignore"):
            wide = (1 + 1 / grown) * (2 * np.log1p(grown) - 2 * np.log(self.alpha))
        return np.asarray(np.sqrt(wide))


def compare_quantile(control: Array, treated: Array, quantile: float, rule: Rule) -> QuantileEffect:
    """The difference of a quantile between two arms.

    Args:
        control: outcomes of the control, ``(n,)``.
        treated: outcomes of the other arm, ``(m,)``.
        quantile: between 0 and 1.
        rule: how sure the interval is, and for how many looks.

    Raises:
        DataError: an arm is empty or the quantile is not between 0 and 1.
    """
    _check(quantile)
    if not len(control) or not len(treated):
        raise DataError("Each arm needs one outcome at least.")
    middle, other = sample_quantile(control, quantile), sample_quantile(treated, quantile)
    known = middle, other, other - middle
    here, there = (_Arm.of(arm, quantile, rule) for arm in (control, treated))
    few = min(here.units, there.units) * min(quantile, 1 - quantile) < _FEWEST_OUTSIDE - _ROUNDING
    if few or not (here.has_ends_beside(there) and there.has_ends_beside(here)):
        return QuantileEffect(*known, *[math.nan] * 5)
    ends = _ends(here, there, rule.surprise_limit)
    return QuantileEffect(*known, *ends, _p_value(here, there, rule))


def sample_quantile(values: Array, quantile: float) -> float:
    """The middle of all values with at most the share below them and as much above."""
    return float(np.quantile(values, quantile, method="averaged_inverted_cdf"))


def fewest_for_quantile(quantile: float, rule: Rule) -> int:
    """How many values each of two equal arms needs, so that a quantile has an interval.

    Ten are expected on its thinner side; and so many that all of them on one side of the quantile
    would surprise, without which the interval has no end.

    Raises:
        DataError: the quantile is not between 0 and 1.
    """
    _check(quantile)
    thin = min(quantile, 1 - quantile)
    low = math.ceil(_FEWEST_OUTSIDE / thin - _ROUNDING)
    high = low
    while not _bounded(high, thin, rule) and high < _MOST:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _bounded(middle, thin, rule) else (middle + 1, high)
    return high


def _check(quantile: float) -> None:
    if not 0 < quantile < 1:
        raise DataError(f"A quantile lies between 0 and 1; found {quantile}.")


def _bounded(units: int, thin: float, rule: Rule) -> bool:
    """Whether nobody at all on the thinner side is ruled out, next to an arm as it should be."""
    told = rule.surprise(np.array([0.0, thin * units]), units, thin)
    return bool(told.sum() > rule.surprise_limit)


@dataclass(frozen=True, eq=False)
class _Arm:
    """The ``values`` of an arm, ascending, and how surprising each would be as its quantile.

    ``surprise`` falls as far as ``middle`` and rises from there on.
    """

    values: Array
    below: Array
    units: int
    surprise: Array
    middle: int
    quantile: float
    rule: Rule

    @classmethod
    def of(cls, outcomes: Array, quantile: float, rule: Rule) -> "_Arm":
        values, counts = np.unique(np.asarray(outcomes, dtype=np.float64), return_counts=True)
        below = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
        units = len(outcomes)
        # Of equal values any number may be taken to lie below the quantile: the likeliest is.
        hits = np.clip(quantile * units, below[:-1], below[1:])
        surprise = rule.surprise(hits, units, quantile)
        return cls(values, below, units, surprise, int(np.argmin(surprise)), quantile, rule)

    def has_ends_beside(self, other: "_Arm") -> bool:
        """Whether the quantile is surely neither below nor above all values that were seen."""
        units = self.units
        outside = self.rule.surprise(np.array([0.0, units]), units, self.quantile)
        return bool(outside.min() > self.rule.surprise_limit - other.surprise.min())

    def within(self, limit: float) -> tuple[Array, Array]:
        """The values that surprise no more than ``limit``, with what they leave of it."""
        kept = self.surprise <= limit
        return self.values[kept], limit - self.surprise[kept]

    def lowest(self, left: Array) -> Array:
        """The smallest value that surprises no more than what is left, for each."""
        falling = self.surprise[: self.middle + 1][::-1]
        return np.asarray(self.values[self.middle - _steps(falling, left)])

    def highest(self, left: Array) -> Array:
        """The largest such value."""
        return np.asarray(self.values[self.middle + _steps(self.surprise[self.middle :], left)])

    def at(self, values: Array) -> Array:
        """How surprising any values would be as its quantile, whether it has them or not."""
        least = self.below[np.searchsorted(self.values, values, side="left")]
        most = self.below[np.searchsorted(self.values, values, side="right")]
        hits = np.clip(self.quantile * self.units, least, most)
        return self.rule.surprise(hits, self.units, self.quantile)


def _steps(rising: Array, left: Array) -> np.typing.NDArray[np.intp]:
    return np.searchsorted(rising, left, side="right") - 1


def _ends(here: _Arm, there: _Arm, limit: float) -> tuple[float, float, float, float]:
    """The least and the greatest difference of all compatible pairs, and of the relative one."""
    values, left = here.within(limit - float(there.surprise.min()))
    lowest, highest = there.lowest(left), there.highest(left)
    low, high = float(np.min(lowest - values)), float(np.max(highest - values))
    if values[0] <= 0:
        return low, high, math.nan, math.nan
    return low, high, float(np.min(lowest / values)) - 1, float(np.max(highest / values)) - 1


def _p_value(here: _Arm, there: _Arm, rule: Rule) -> float:
    """For both arms having one quantile: by the value that surprises least as that of both."""
    shared = np.union1d(here.values, there.values)
    return float(rule.surprise_p_value(np.asarray(np.min(here.at(shared) + there.at(shared)))))
