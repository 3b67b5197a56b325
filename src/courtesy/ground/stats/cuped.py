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
        repeats others changes nothing, and neither does an arm whose moments are unknown (NaN).
    """
    told = [_told(arm) for arm in arms]
    together = reduce(add, told)
    found = slopes(np.sum([arm.scatter for arm in told], axis=0))
    centre = together.mean[..., 1:]
    spread = found @ together.covariance[..., 1:, 1:] @ np.swapaxes(found, -1, -2)
    shared = spread[..., 0, 0] / np.maximum(together.count, 1)
    return [_one(levelled(arm, found, centre), shared) for arm in arms]


def slopes(scatter: Array, outcomes: int = 1) -> Array:
    """How outcomes move with covariates, ``(..., outcomes, covariates)``.

    Least squares on standardised columns, so that units and collinearity do no harm.

    Args:
        scatter: of the outcomes, then the covariates, pooled within the arms, ``(..., d, d)``.
        outcomes: how many of the columns are outcomes.
    """
    size = np.sqrt(np.diagonal(scatter, axis1=-2, axis2=-1))
    scale = np.where(size > 0, size, 1)
    correlation = scatter / scale[..., :, None] / scale[..., None, :]
    inside = correlation[..., outcomes:, outcomes:]
    inverse = np.linalg.pinv(inside, rcond=1e-9, hermitian=True)
    standardised = correlation[..., :outcomes, outcomes:] @ inverse
    return np.asarray(standardised * scale[..., :outcomes, None] / scale[..., None, outcomes:])


def levelled(arm: Moments, found: Array, centre: Array) -> Moments:
    """The outcomes of an arm as if its covariates averaged to ``centre``, ``(..., covariates)``.

    Args:
        arm: moments of the outcomes, then the covariates.
        found: what ``slopes`` found.
        centre: the covariates' averages over everybody.
    """
    outcomes = found.shape[-2]
    off = arm.mean[..., outcomes:] - centre
    mean = arm.mean[..., :outcomes] - np.einsum("...ij,...j->...i", found, off)
    own = np.broadcast_to(np.eye(outcomes), (*found.shape[:-1], outcomes))
    return arm.mapped(mean, np.concatenate([own, -found], axis=-1))


def _told(arm: Moments) -> Moments:
    """The arm where all of it is known; nobody where some of it is not."""
    known = np.asarray(np.isfinite(arm.mean).all(axis=-1))
    return Moments(
        np.where(known, arm.count, 0.0),
        np.where(known[..., None], arm.mean, 0.0),
        np.where(known[..., None, None], np.nan_to_num(arm.scatter), 0.0),
    )


def _one(arm: Moments, shared: Array) -> Estimate:
    variance = arm.covariance[..., 0, 0] / np.maximum(arm.count, 1)
    return Estimate(known(arm.mean[..., 0], arm.count), variance, arm.count, shared)
