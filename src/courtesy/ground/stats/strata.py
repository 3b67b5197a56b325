"""Post-stratification: arms compared within strata, then averaged by the strata's sizes.

Source: Miratrix, Sekhon & Yu (2013), "Adjusting treatment effect estimates by post-stratification
in randomized experiments", without the terms of order 1/n squared. Ratios move like their linear
pieces (Deng, Knoblich & Lu 2018), covariates have one slope each over all strata.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.cuped import levelled, slopes
from courtesy.ground.stats.estimate import Estimate, pieces
from courtesy.ground.stats.moments import Array, Moments

_FEWEST = 2
_PLAIN = ((0, None),)


def post_stratified(
    arms: Sequence[Moments], pairs: Sequence[tuple[int, int | None]] = _PLAIN
) -> list[Estimate]:
    """Each arm's value as if it had everybody's mix of strata.

    Args:
        arms: moments of shape ``(strata,)`` for each arm. Strata must be from before the exposure.
        pairs: the metric, then its covariates, as (numerator, denominator) by column; a plain mean
            has no denominator.

    Returns:
        One estimate for each arm, in the outcome's unit. Strata in which an arm has fewer than two
        units are taken together with the smallest that has more.

    Raises:
        DataError: an arm has fewer than two units even so.
    """
    joined = _joined(arms)
    count = np.sum([arm.count for arm in joined], axis=0)
    weights = count / count.sum()
    linear = _levelled([_linear(arm, pairs, weights) for arm in joined], weights)
    centre = np.sum(weights * reduce(add, linear).mean[..., 0])
    mix = np.sum(weights * np.square(reduce(add, linear).mean[..., 0] - centre)) / count.sum()
    return [_one(arm, weights, mix) for arm in linear]


def _linear(arm: Moments, pairs: Sequence[tuple[int, int | None]], weights: Array) -> Moments:
    """Each stratum's linear pieces of the arm's ratios, whose weighted mean is the ratio."""
    whole = np.sum(weights[:, None] * arm.mean, axis=0)
    value, gradient = pieces(whole, pairs)
    mean = value + np.einsum("ij,sj->si", gradient, arm.mean - whole)
    return arm.mapped(mean, np.broadcast_to(gradient, (len(weights), *gradient.shape)))


def _levelled(arms: Sequence[Moments], weights: Array) -> list[Moments]:
    found = slopes(np.sum([arm.scatter.sum(axis=0) for arm in arms], axis=0))
    centre = np.sum(weights[:, None] * reduce(add, arms).mean[:, 1:], axis=0)
    wide = np.broadcast_to(found, (len(weights), *found.shape))
    return [levelled(arm, wide, centre) for arm in arms]


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
