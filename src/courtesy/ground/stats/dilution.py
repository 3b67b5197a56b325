"""What an effect on some people is for everybody, where the others cannot have been changed.

Source: Deng & Hu (2015), "Diluted Treatment Effect Estimation for Trigger Analysis in Online
Controlled Experiments": the share of those who could be changed times the effect on them. It says
the same as the mean over everybody, those others counting zero, once the arms are given the same
share; the share's own uncertainty is part of the interval, by the delta method.
"""

from dataclasses import dataclass

import numpy as np

from courtesy.ground.stats.effect import difference, possible
from courtesy.ground.stats.estimate import Estimate
from courtesy.ground.stats.moments import Array
from courtesy.ground.stats.rule import Rule


@dataclass(frozen=True, eq=False)
class Diluted:
    """The effect on one of everybody, with its ends, in the metric's unit."""

    effect: Array
    low: Array
    high: Array


def diluted(
    control: Estimate, treated: Estimate, share: Array, units: Array, rule: Rule
) -> Diluted:
    """The effect on everybody.

    Args:
        control: of the people who could be changed.
        treated: the same of the other arm.
        share: of everybody in both arms who could be changed, 0 to 1. It must be the same in both
            arms but for chance.
        units: how many independent units the share was counted on.
        rule: how sure the interval is.
    """
    shown = difference(*rule.steadied(control, treated))
    variance = np.square(share) * shown.variance
    variance = variance + np.square(shown.value) * share * (1 - share) / np.maximum(units, 1)
    half = shown.reach(rule) * np.sqrt(np.where(variance > 0, variance, np.nan))
    effect = share * shown.value
    low, high = possible(control, treated)
    return Diluted(effect, np.maximum(effect - half, low), np.minimum(effect + half, high))
