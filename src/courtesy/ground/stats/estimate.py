"""The value of a metric in one arm, with the variance of that value: means and ratios.

Ratios follow Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics: A
Practical Guide with Novel Ideas": a ratio of means moves like its linear pieces. A mean for each
row where whole clusters were assigned is such a ratio too: cluster sums over cluster sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from courtesy.ground.stats.moments import Array, Moments


@dataclass(frozen=True, eq=False)
class Estimate:
    """A metric's value in an arm; shapes are the groups' shape ``(...)``.

    ``variance``: of the value, squared units of the value.
    ``units``: how many independent units it rests on.
    ``shared``: variance that every arm has in common, such as that of a covariate's overall mean;
    it is no part of ``variance`` and vanishes in a difference.
    ``offset``: what was taken off all arms alike, so that their difference loses no digits.
    ``spent``: how many degrees of freedom its variance has fewer than ``units`` less one: what went
    into slopes of covariates, or into parts that each have a variance of their own.
    """

    value: Array
    variance: Array
    units: Array
    shared: Array = field(default_factory=lambda: np.zeros(()))
    offset: float = 0.0
    spent: Array = field(default_factory=lambda: np.zeros(()))

    @property
    def whole(self) -> Array:
        """The value with its offset again."""
        return self.value + self.offset

    @property
    def freedom(self) -> Array:
        """Degrees of freedom of the variance; 1 where there are none."""
        return np.where(self.units > 1, self.units - 1 - self.spent, 1)


def mean_of(moments: Moments) -> Estimate:
    """The mean of the first column, with its squared standard error; NaN where nobody is."""
    variance = moments.covariance[..., 0, 0] / np.maximum(moments.count, 1)
    return Estimate(known(moments.mean[..., 0], moments.count), variance, moments.count)


def satterthwaite(variances: Array, freedoms: Array) -> Array:
    """The degrees of freedom of a sum of variances, ``(...)``; zero where nothing varies.

    Source: Satterthwaite (1946), "An Approximate Distribution of Estimates of Variance Components";
    of strata: Cochran (1977), "Sampling Techniques", formula 5.16; of two arms: Welch (1947).

    Args:
        variances: of independent parts, ``(parts, ...)``.
        freedoms: of each part's variance, above zero.
    """
    parts = np.sum(np.square(variances) / freedoms, axis=0)
    total = np.square(np.sum(variances, axis=0))
    return np.where(parts > 0, total / np.where(parts > 0, parts, 1), 0)


def known(value: Array, units: Array) -> Array:
    """The value where there are units at all, else NaN."""
    return np.where(units > 0, value, np.nan)


def ratios(moments: Moments, pairs: Sequence[tuple[int, int | None]]) -> Moments:
    """The statistics of each unit's linear piece in ratios of columns.

    Args:
        moments: of the raw columns.
        pairs: (numerator, denominator) by column; a plain mean has no denominator.

    Returns:
        One column for each pair, whose mean is the ratio. A ratio over a sum of zero is NaN. These
        are not addable: add the raw columns first.
    """
    mean, gradient = pieces(moments.mean, pairs)
    return moments.mapped(mean, gradient)


def pieces(mean: Array, pairs: Sequence[tuple[int, int | None]]) -> tuple[Array, Array]:
    """The ratios ``(..., k)`` of columns that average to ``mean``, and how they move with it."""
    found = [_piece(mean, top, bottom) for top, bottom in pairs]
    values, gradients = zip(*found, strict=True)
    return np.stack(values, axis=-1), np.stack(gradients, axis=-2)


def _piece(mean: Array, top: int, bottom: int | None) -> tuple[Array, Array]:
    gradient = np.zeros_like(mean)
    if bottom is None:
        gradient[..., top] = 1
        return mean[..., top], gradient
    below = np.where(mean[..., bottom] == 0, np.nan, mean[..., bottom])
    ratio = mean[..., top] / below
    gradient[..., top] += 1 / below
    gradient[..., bottom] -= ratio / below
    return ratio, gradient
