"""Post-stratification: arms compared within strata, then averaged by the strata's sizes.

Source: Miratrix, Sekhon & Yu (2013), "Adjusting treatment effect estimates by post-stratification
in randomized experiments", without the terms of order 1/n squared, with the degrees of freedom of
Cochran (1977), "Sampling Techniques", formula 5.16. Ratios move like their linear pieces (Deng,
Knoblich & Lu 2018), covariates have one slope each over all strata.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.cuped import Slopes, levelled, slopes
from courtesy.ground.stats.estimate import Estimate, pieces, satterthwaite
from courtesy.ground.stats.moments import Array, Moments

_FEWEST = 2
_EXPECTED = 5
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
        One estimate for each arm, in the outcome's unit. Strata of a size that gives the smallest
        arm fewer than five units on average, or an arm with fewer than two, are taken together,
        with the smallest of the rest if need be.

    Raises:
        DataError: an arm has fewer than two units even so.
    """
    joined = _joined(arms)
    count = np.sum([arm.count for arm in joined], axis=0)
    weights = count / count.sum()
    given = [_linear(arm, pairs, weights) for arm in joined]
    freedom = count.sum() - len(arms) * len(count)
    found = slopes(np.sum([arm.scatter.sum(axis=0) for arm in given], axis=0), freedom)
    shared = _shared(reduce(add, given), weights, found)
    return [_one(arm, weights, shared, found) for arm in _levelled(given, weights, found)]


def _shared(everybody: Moments, weights: Array, found: Slopes) -> Array:
    """How much the arms' values would move together with another draw of people.

    By another mix of strata, and by other covariates within them.
    """
    units = everybody.count.sum()
    mean = everybody.mean[:, 0]
    mix = np.sum(weights * np.square(mean - np.sum(weights * mean)))
    inside = everybody.scatter[:, 1:, 1:].sum(axis=0) / units
    return np.asarray((mix + (found.value @ inside @ found.value.T)[0, 0]) / units)


def _linear(arm: Moments, pairs: Sequence[tuple[int, int | None]], weights: Array) -> Moments:
    """Each stratum's linear pieces of the arm's ratios, whose weighted mean is the ratio."""
    whole = np.sum(weights[:, None] * arm.mean, axis=0)
    value, gradient = pieces(whole, pairs)
    mean = value + np.einsum("ij,sj->si", gradient, arm.mean - whole)
    return arm.mapped(mean, np.broadcast_to(gradient, (len(weights), *gradient.shape)))


def _levelled(arms: Sequence[Moments], weights: Array, found: Slopes) -> list[Moments]:
    centre = np.sum(weights[:, None] * reduce(add, arms).mean[:, 1:], axis=0)
    wide = np.broadcast_to(found.value, (len(weights), *found.value.shape))
    return [levelled(arm, wide, centre) for arm in arms]


def _one(arm: Moments, weights: Array, shared: Array, found: Slopes) -> Estimate:
    parts = np.square(weights) * arm.covariance[..., 0, 0] / arm.count
    units = np.asarray(arm.count.sum())
    freedom = satterthwaite(parts, arm.count - 1) * (1 - found.share)
    return Estimate(
        value=np.asarray(np.sum(weights * arm.mean[..., 0])),
        variance=np.asarray(np.sum(parts) * found.more),
        units=units,
        shared=shared,
        spent=np.where(freedom > 0, units - 1 - freedom, 0),
    )


def _joined(arms: Sequence[Moments]) -> list[Moments]:
    """Strata that are large enough; the last one may be all others.

    Their size decides and not how many of them an arm happened to get: strata chosen for uneven
    arms would, taken together, differ between the arms by more than their variance says.
    """
    units = np.stack([arm.count for arm in arms])
    total = units.sum(axis=0)
    expected = total * units.sum(axis=1).min() / max(total.sum(), 1)
    thin = (expected < _EXPECTED) | (units.min(axis=0) < _FEWEST)
    if thin.any():
        if expected[thin].sum() < _EXPECTED or units[:, thin].sum(axis=1).min() < _FEWEST:
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
