"""Several arms taken together, as a factorial design compares them.

Source: Yates (1937), "The Design and Analysis of Factorial Experiments": a main effect is the
average over the levels of the other factors, an interaction the difference of differences.
"""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from courtesy.ground.stats.estimate import Estimate, satterthwaite


def averaged(arms: Sequence[Estimate], weight: float = 1.0) -> Estimate:
    """The plain average of independent arms, times ``weight``; every arm counts the same.

    ``units`` of the result are as many as would be as certain in one arm. Two such averages can be
    compared like arms; what all arms share is left out, so their lift has no meaning. Where an arm
    has one unit at most, nobody knows how certain it is, and neither is the average.
    """
    number = len(arms)
    variances = np.stack([arm.variance for arm in arms])
    fewest = np.min([arm.units for arm in arms], axis=0)
    inverse = np.sum([1 / np.maximum(arm.units, 1e-9) for arm in arms], axis=0)
    units = np.where(fewest > 1, number**2 / inverse, fewest)
    freedom = satterthwaite(variances, np.stack([arm.freedom for arm in arms]))
    return Estimate(
        value=np.asarray(weight * np.mean([arm.value for arm in arms], axis=0)),
        variance=np.asarray(weight**2 * np.sum(variances, axis=0) / number**2),
        units=units,
        spent=np.where(freedom > 0, units - 1 - freedom, 0),
        lowest=weight * fmean(arm.lowest for arm in arms),
        highest=weight * fmean(arm.highest for arm in arms),
    )
