"""Less noise from what was known before: regression adjustment with several covariates.

Source: Deng, Xu, Kohavi & Walker (2013), "Improving the Sensitivity of Online Controlled
Experiments by Utilizing Pre-Experiment Data" (CUPED), with one slope for each covariate, pooled
within the arms. Slopes come from the same data, so variances are those of the analysis of
covariance (Cochran 1957, "Analysis of Covariance: Its Nature and Uses"): over what is left of the
degrees of freedom, and larger by what chance differences of the covariates add on average.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from courtesy.ground.stats.estimate import Estimate, known
from courtesy.ground.stats.moments import Array, Moments

_COLLINEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Slopes:
    """How outcomes move with covariates, and what estimating that costs, in the groups' shape.

    ``value``: ``(..., outcomes, covariates)``, zero where there are too few units. ``more``: how
    many times larger variances are. ``share``: of the degrees of freedom that it takes.
    """

    value: Array
    more: Array
    share: Array


def adjusted(arms: Sequence[Moments]) -> list[Estimate]:
    """Each arm's value as if its covariates were those of everybody.

    Args:
        arms: moments of (outcome, covariate 1, covariate 2, …) for each arm; the covariates must
            be from before the exposure.

    Returns:
        One estimate for each arm, in the outcome's unit. A covariate that is constant or that
        repeats others changes nothing, and neither does an arm whose moments are unknown (NaN).
        Where there are not more units than arms and covariates, nothing is adjusted.
    """
    told = [_told(arm) for arm in arms]
    together = reduce(add, told)
    scatter = np.sum([arm.scatter for arm in told], axis=0)
    found = slopes(scatter, np.sum([np.maximum(arm.count - 1, 0) for arm in told], axis=0))
    centre = together.mean[..., 1:]
    spread = found.value @ together.covariance[..., 1:, 1:] @ np.swapaxes(found.value, -1, -2)
    shared = spread[..., 0, 0] / np.maximum(together.count, 1)
    return [_one(levelled(arm, found.value, centre), shared, found) for arm in arms]


def slopes(scatter: Array, freedom: Array, outcomes: int = 1) -> Slopes:
    """How outcomes move with covariates.

    Least squares on standardised columns, so that units and collinearity do no harm.

    Args:
        scatter: of the outcomes, then the covariates, pooled within the arms, ``(..., d, d)``.
        freedom: how many degrees of freedom that has.
        outcomes: how many of the columns are outcomes.
    """
    size = np.sqrt(np.diagonal(scatter, axis1=-2, axis2=-1))
    scale = np.where(size > 0, size, 1)
    correlation = scatter / scale[..., :, None] / scale[..., None, :]
    inside = correlation[..., outcomes:, outcomes:]
    inverse = np.linalg.pinv(inside, rcond=_COLLINEAR, hermitian=True)
    standardised = correlation[..., :outcomes, outcomes:] @ inverse
    value = np.asarray(standardised * scale[..., :outcomes, None] / scale[..., None, outcomes:])
    number = np.linalg.matrix_rank(inside, rtol=_COLLINEAR, hermitian=True)
    return _paid(value, freedom, number)


def _paid(value: Array, freedom: Array, number: npt.NDArray[np.int64]) -> Slopes:
    """The slopes of so many covariates that tell anything, where units are enough for them."""
    usable = freedom - number > 1
    left = np.where(usable, freedom - number, 2.0)
    more = freedom / left * (freedom - 1) / (left - 1)
    return Slopes(
        np.where(usable[..., None, None], value, 0.0),
        np.where(usable, more, 1.0),
        np.where(usable, 1 - left / np.maximum(freedom, 1), 0.0),
    )


def levelled(arm: Moments, found: Array, centre: Array) -> Moments:
    """The outcomes of an arm as if its covariates averaged to ``centre``, ``(..., covariates)``.

    Args:
        arm: moments of the outcomes, then the covariates.
        found: the ``value`` of ``slopes``.
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


def _one(arm: Moments, shared: Array, found: Slopes) -> Estimate:
    variance = arm.covariance[..., 0, 0] / np.maximum(arm.count, 1) * found.more
    spent = np.maximum(arm.count - 1, 0) * found.share
    return Estimate(
        known(arm.mean[..., 0], arm.count), variance, arm.count, shared=shared, spent=spent
    )
