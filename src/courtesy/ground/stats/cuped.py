"""Less noise from what was known before: regression adjustment with several covariates.

Source: Deng, Xu, Kohavi & Walker (2013), "Improving the Sensitivity of Online Controlled
Experiments by Utilizing Pre-Experiment Data" (CUPED), with one slope for each covariate, pooled
within the arms.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np

from courtesy.ground.stats.estimate import Estimate, known
from courtesy.ground.stats.moments import Array, Moments


def adjusted(arms: Sequence[Moments]) -> list[Estimate]:
    """Each arm's value as if its covariates were those of everybody.

    Args:
        arms: moments of (outcome, covariate 1, covariate 2, …) for each arm; the covariates must
            be from before the exposure.

    Returns:
        One estimate for each arm, in the outcome's unit. A covariate that is constant or that
        repeats others changes nothing.
    """
    slopes = _slopes(sum(arm.scatter for arm in arms[1:]) + arms[0].scatter)
    together = reduce(add, arms)
    centre = together.mean[..., 1:]
    shared = _quadratic(slopes, together.covariance[..., 1:, 1:]) / np.maximum(together.count, 1)
    return [_one(arm, slopes, centre, shared) for arm in arms]


def _slopes(scatter: Array) -> Array:
    """Least squares on standardised columns, so that units and collinearity do no harm."""
    size = np.sqrt(np.diagonal(scatter, axis1=-2, axis2=-1))
    scale = np.where(size > 0, size, 1)
    correlation = scatter / scale[..., :, None] / scale[..., None, :]
    inverse = np.linalg.pinv(correlation[..., 1:, 1:], rcond=1e-9, hermitian=True)
    standardised = np.einsum("...ij,...j->...i", inverse, correlation[..., 1:, 0])
    return np.asarray(standardised * scale[..., :1] / scale[..., 1:])


def _one(arm: Moments, slopes: Array, centre: Array, shared: Array) -> Estimate:
    value = arm.mean[..., 0] - np.sum(slopes * (arm.mean[..., 1:] - centre), axis=-1)
    weights = np.concatenate([np.ones_like(arm.mean[..., :1]), -slopes], axis=-1)
    variance = _quadratic(weights, arm.covariance) / np.maximum(arm.count, 1)
    return Estimate(known(value, arm.count), variance, arm.count, shared)


def _quadratic(weights: Array, matrix: Array) -> Array:
    return np.asarray(np.einsum("...i,...ij,...j->...", weights, matrix, weights))
