"""Two arms side by side: the difference and the relative lift, with intervals and a p-value."""

from dataclasses import dataclass

import numpy as np

from courtesy.ground.stats.estimate import Estimate, satterthwaite
from courtesy.ground.stats.moments import Array
from courtesy.ground.stats.quotient import Fraction, quotient
from courtesy.ground.stats.rule import Rule


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


@dataclass(frozen=True, eq=False)
class Difference:
    """Treated minus control: its value, its variance, and what the variance rests on.

    ``freedom``: Satterthwaite's degrees of freedom (Welch 1947), zero where there are none.
    ``units``: how many units, evenly split, tell as much.
    """

    value: Array
    variance: Array
    freedom: Array
    units: Array

    @property
    def error(self) -> Array:
        """The standard error; NaN where nothing varies."""
        return np.sqrt(np.where(self.variance > 0, self.variance, np.nan))

    def reach(self, rule: Rule) -> Array:
        """Half the interval's width in standard errors; NaN where it has none."""
        found = rule.reach(self.units, np.maximum(self.freedom, 1e-9))
        return np.where(self.freedom > 0, found, np.nan)

    def p_value(self, rule: Rule) -> Array:
        """For there being no difference; NaN where it cannot be told."""
        score = self.value / self.error
        found = rule.p_value(score, self.units, np.maximum(self.freedom, 1e-9))
        return np.where(self.freedom > 0, found, np.nan)


def compare(control: Estimate, treated: Estimate, rule: Rule) -> Effect:
    """The effect of the treatment, under ``rule``."""
    control, treated = rule.steadied(control, treated)
    shown = difference(control, treated)
    reach = shown.reach(rule)
    lift, lift_low, lift_high = _relative(control, treated, reach)
    return Effect(
        effect=shown.value,
        low=shown.value - reach * shown.error,
        high=shown.value + reach * shown.error,
        p_value=shown.p_value(rule),
        lift=lift,
        lift_low=lift_low,
        lift_high=lift_high,
    )


def difference(control: Estimate, treated: Estimate) -> Difference:
    """Treated minus control, of independent arms."""
    return Difference(
        value=treated.value - control.value,
        variance=control.variance + treated.variance,
        freedom=_freedom(control, treated),
        units=information(control.units, treated.units),
    )


def information(control: Array, treated: Array) -> Array:
    """How many units, evenly split, tell as much as so many of each arm."""
    return np.asarray(4 * control * treated / np.maximum(control + treated, 1))


def _freedom(control: Estimate, treated: Estimate) -> Array:
    arms = np.broadcast_arrays(control.variance, treated.variance, control.freedom, treated.freedom)
    enough = np.minimum(control.units, treated.units) > 1
    return np.where(enough, satterthwaite(np.stack(arms[:2]), np.stack(arms[2:])), 0)


def _relative(control: Estimate, treated: Estimate, reach: Array) -> tuple[Array, Array, Array]:
    """The lift and its interval; where the control is negative, relative to its size."""
    ratio = quotient(
        Fraction(
            top=treated.whole,
            bottom=control.whole,
            top_variance=treated.variance + control.shared,
            bottom_variance=control.variance + control.shared,
            covariance=control.shared,
        ),
        reach,
    )
    up = control.whole > 0
    lift = np.where(up, ratio.value - 1, 1 - ratio.value)
    low = np.where(up, ratio.low - 1, 1 - ratio.high)
    return lift, low, np.where(up, ratio.high - 1, 1 - ratio.low)
