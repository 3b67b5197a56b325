"""Post-stratification: arms compared within strata, then averaged by the strata's sizes.

Source: Miratrix, Sekhon & Yu (2013), "Adjusting treatment effect estimates by post-stratification
in randomized experiments", without the terms of order 1/n squared.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.estimate import Estimate
from courtesy.ground.stats.moments import Array, Moments

_FEWEST = 2


def post_stratified(arms: Sequence[Moments]) -> list[Estimate]:
    """Each arm's mean as if it had everybody's mix of strata.

    Args:
        arms: moments of shape ``(strata,)`` for each arm, the outcome in the first column. Strata
            must be from before the exposure.

    Returns:
        One estimate for each arm, in the outcome's unit. Strata in which an arm has fewer than two
        units are taken together with the smallest that has more.

    Raises:
        DataError: an arm has fewer than two units even so.
    """
    joined = _joined(arms)
    together = reduce(add, joined)
    weights = together.count / together.count.sum()
    middle = np.sum(weights * together.mean[..., 0])
    mix = np.sum(weights * np.square(together.mean[..., 0] - middle)) / together.count.sum()
    return [_one(arm, weights, mix) for arm in joined]


def _one(arm: Moments, weights: Array, mix: Array) -> Estimate:
    within = arm.covariance[..., 0, 0] / arm.count
    value = np.asarray(np.sum(weights * arm.mean[..., 0]))
    variance = np.asarray(np.sum(np.square(weights) * within))
    return Estimate(value, variance, np.asarray(arm.count.sum()), np.asarray(mix))


def _joined(arms: Sequence[Moments]) -> list[Moments]:
    thin = np.min([arm.count for arm in arms], axis=0) < _FEWEST
    if thin.any():
        total = np.sum([arm.count for arm in arms], axis=0)
        thin[np.argmin(np.where(thin, np.inf, total))] = True
        arms = [_with_rest(arm, thin) for arm in arms]
    if any(np.any(arm.count < _FEWEST) for arm in arms):
        raise DataError("Each arm needs two units or more in a stratum.")
    return list(arms)


def _with_rest(arm: Moments, thin: np.typing.NDArray[np.bool_]) -> Moments:
    rest = reduce(add, (arm[int(stratum)] for stratum in np.flatnonzero(thin)))
    return Moments(
        np.append(arm.count[~thin], rest.count),
        np.concatenate([arm.mean[~thin], rest.mean[None]]),
        np.concatenate([arm.scatter[~thin], rest.scatter[None]]),
    )
