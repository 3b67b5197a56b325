"""Several arms taken together, as a factorial design compares them.

Source: Yates (1937), "The Design and Analysis of Factorial Experiments": a main effect is the
average over the levels of the other factors, an interaction the difference of differences.
"""

from collections.abc import Sequence

import numpy as np

from courtesy.ground.stats.estimate import Estimate


def averaged(arms: Sequence[Estimate], weight: float = 1.0) -> Estimate:
    """The plain average of independent arms, times ``weight``; every arm counts the same.

    ``units`` of the result are as many as would be as certain in one arm. Two such averages can be
    compared like arms; what all arms share is left out, so their lift has no meaning.
    """
    number = len(arms)
    inverse = np.sum([1 / np.maximum(arm.units, 1e-9) for arm in arms], axis=0)
    return Estimate(
        value=np.asarray(weight * np.mean([arm.value for arm in arms], axis=0)),
        variance=np.asarray(weight**2 * np.sum([a.variance for a in arms], axis=0) / number**2),
        units=np.asarray(number**2 / inverse),
    )
