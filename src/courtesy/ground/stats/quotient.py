"""One uncertain value over another, with the interval of their quotient.

The delta method's where the denominator is far from zero and Fieller's theorem where it is not.
Finney (1978), "Statistical Method in Biological Assay", puts the border at g = 0.05; the set of
Fieller (1954), "Some Problems in Interval Estimation", is exact and has no end when the denominator
cannot be told from zero.
"""

from dataclasses import dataclass

import numpy as np

from courtesy.ground.stats.moments import Array

_FINNEY_BORDER = 0.05
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Fraction:
    """A numerator and a denominator with their variances and covariance, all of one shape."""

    top: Array
    bottom: Array
    top_variance: Array
    bottom_variance: Array
    covariance: Array


@dataclass(frozen=True, eq=False)
class Quotient:
    """The value and its ends; NaN where it does not exist or has no bounds."""

    value: Array
    low: Array
    high: Array


def quotient(fraction: Fraction, reach: Array) -> Quotient:
    """The value of a fraction; ``reach`` is half the interval's width, in standard errors."""
    below = np.where(fraction.bottom == 0, np.nan, fraction.bottom)
    value = fraction.top / below
    half = reach * np.sqrt(_spread(fraction, value)) / np.abs(below)
    weak = np.square(reach / below) * fraction.bottom_variance >= _FINNEY_BORDER
    low, high = _fieller(fraction, np.square(reach))
    return Quotient(value, np.where(weak, low, value - half), np.where(weak, high, value + half))


def _spread(fraction: Fraction, value: Array) -> Array:
    """The variance of numerator minus value times denominator; NaN where nothing varies."""
    parts = fraction.top_variance + np.square(value) * fraction.bottom_variance
    spread = parts - 2 * value * fraction.covariance
    return np.where(spread > _ROUNDING * parts, spread, np.nan)


def _fieller(fraction: Fraction, square: Array) -> tuple[Array, Array]:
    a = np.square(fraction.bottom) - square * fraction.bottom_variance
    b = fraction.bottom * fraction.top - square * fraction.covariance
    c = np.square(fraction.top) - square * fraction.top_variance
    inside = np.square(b) - a * c
    bounded = (a > 0) & (inside >= 0)
    root = np.sqrt(np.where(bounded, inside, np.nan))
    divisor = np.where(bounded, a, np.nan)
    return (b - root) / divisor, (b + root) / divisor
