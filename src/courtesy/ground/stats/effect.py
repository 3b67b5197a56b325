"""Two arms side by side: the difference and the relative lift, with intervals and a p-value."""

from dataclasses import dataclass, replace

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
    shown = difference(*rule.steadied(control, treated))
    half = shown.reach(rule) * shown.error
    lowest, highest = possible(control, treated)
    low = np.maximum(shown.value - half, lowest)
    high = np.minimum(shown.value + half, highest)
    lift, lift_low, lift_high = _lift(control, treated, rule)
    return Effect(
        effect=shown.value,
        low=low,
        high=high,
        p_value=shown.p_value(rule),
        lift=lift,
        # What is not told from zero as a difference is not told from zero as a lift.
        lift_low=np.where(low <= 0, np.minimum(lift_low, 0), lift_low),
        lift_high=np.where(high >= 0, np.maximum(lift_high, 0), lift_high),
    )


def _lift(control: Estimate, treated: Estimate, rule: Rule) -> tuple[Array, Array, Array]:
    """The lift and its interval, without the variance that equal shares would have.

    That is for telling arms apart, and would hide any lift beside a control that few did it in.
    """
    nothing = np.zeros(())
    arms = rule.steadied(replace(control, least=nothing), replace(treated, least=nothing))
    lift, low, high = _relative(*arms, difference(*arms).reach(rule))
    if control.lowest >= 0 and treated.lowest >= 0:
        low = np.maximum(low, -1)
    return lift, low, high


def difference(control: Estimate, treated: Estimate) -> Difference:
    """Treated minus control, of independent arms."""
    return Difference(
        value=treated.value - control.value,
        variance=control.variance + treated.variance,
        freedom=_freedom(control, treated),
        units=information(control.units, treated.units),
    )


def possible(control: Estimate, treated: Estimate) -> tuple[float, float]:
    """Between which the difference lies whatever happens.

    An interval may end there and still holds the truth as often: outside there is none.
    """
    return treated.lowest - control.highest, treated.highest - control.lowest


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
