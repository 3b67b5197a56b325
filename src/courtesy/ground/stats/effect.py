"""Two arms side by side: the difference and the relative lift, with intervals and a p-value.

The lift's interval is the delta method's where the control's mean is far from zero and Fieller's
theorem where it is not: Finney (1978), "Statistical Method in Biological Assay", puts the border
at g = 0.05; Fieller (1954), "Some Problems in Interval Estimation", gives the exact set, which has
no end when the control's mean cannot be told from zero.
"""

from dataclasses import dataclass

import numpy as np

from courtesy.ground.stats.estimate import Estimate
from courtesy.ground.stats.moments import Array
from courtesy.ground.stats.rule import Rule

_FINNEY_BORDER = 0.05


@dataclass(frozen=True, eq=False)
class Effect:
    """Treated minus control, in the metric's unit, and relative to the control's size.

    Every field has the shape of the groups; NaN where a figure does not exist.
    """

    effect: Array
    low: Array
    high: Array
    p_value: Array
    lift: Array
    lift_low: Array
    lift_high: Array


def compare(control: Estimate, treated: Estimate, rule: Rule) -> Effect:
    """The effect of the treatment, under ``rule``."""
    control, treated = rule.steadied(control, treated)
    difference = treated.value - control.value
    variance = control.variance + treated.variance
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    freedom = _freedom(control, treated)
    units = information(control.units, treated.units)
    reach = np.where(freedom > 0, rule.reach(units, np.maximum(freedom, 1e-9)), np.nan)
    p_value = rule.p_value(difference / error, units, np.maximum(freedom, 1e-9))
    lift, lift_low, lift_high = _relative(control, treated, reach)
    return Effect(
        effect=difference,
        low=difference - reach * error,
        high=difference + reach * error,
        p_value=np.where(freedom > 0, p_value, np.nan),
        lift=lift,
        lift_low=lift_low,
        lift_high=lift_high,
    )


def information(control: Array, treated: Array) -> Array:
    """How many units, evenly split, tell as much as so many of each arm."""
    return np.asarray(4 * control * treated / np.maximum(control + treated, 1))


def _freedom(control: Estimate, treated: Estimate) -> Array:
    """Satterthwaite's degrees of freedom (Welch 1947)."""
    total = np.square(control.variance + treated.variance)
    parts = sum(np.square(a.variance) / np.maximum(a.units - 1, 1) for a in (control, treated))
    enough = np.minimum(control.units, treated.units) > 1
    return np.where(enough & (total > 0), total / np.where(parts > 0, parts, 1), 0)


def _relative(control: Estimate, treated: Estimate, reach: Array) -> tuple[Array, Array, Array]:
    """The lift and its interval; where the control is negative, relative to its size."""
    base = np.where(control.value == 0, np.nan, control.value)
    ratio = treated.value / base
    below = control.variance + control.shared
    spread = treated.variance + control.shared * np.square(1 - ratio)
    spread = spread + np.square(ratio) * control.variance
    half = reach * np.sqrt(np.where(spread > 0, spread, np.nan)) / np.abs(base)
    near = np.square(reach / base) * below >= _FINNEY_BORDER
    low, high = _fieller(control, treated, np.square(reach))
    low, high = np.where(near, low, ratio - half), np.where(near, high, ratio + half)
    up = base > 0
    lift = np.where(up, ratio - 1, 1 - ratio)
    return lift, np.where(up, low - 1, 1 - high), np.where(up, high - 1, 1 - low)


def _fieller(control: Estimate, treated: Estimate, square: Array) -> tuple[Array, Array]:
    shared = control.shared
    a = np.square(control.value) - square * (control.variance + shared)
    b = control.value * treated.value - square * shared
    c = np.square(treated.value) - square * (treated.variance + shared)
    inside = np.square(b) - a * c
    bounded = (a > 0) & (inside >= 0)
    root = np.sqrt(np.where(bounded, inside, np.nan))
    divisor = np.where(bounded, a, np.nan)
    return (b - root) / divisor, (b + root) / divisor
