"""The value of a metric in one arm, with the variance of that value: means and ratios.

Ratios follow Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics: A
Practical Guide with Novel Ideas": a ratio of means moves like its linear pieces. A mean for each
row where whole clusters were assigned is such a ratio too: cluster sums over cluster sizes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from courtesy.ground.stats.moments import Array, Moments

FEW_OUTCOMES = 10
"""Of those who did it, or did not: with fewer in an arm a share is hardly known."""


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
    ``least``: a variance that an interval for one look rests on where its own is less.
    ``lowest`` and ``highest``: between which the whole value lies whatever happens.
    """

    value: Array
    variance: Array
    units: Array
    shared: Array = field(default_factory=lambda: np.zeros(()))
    offset: float = 0.0
    spent: Array = field(default_factory=lambda: np.zeros(()))
    least: Array = field(default_factory=lambda: np.zeros(()))
    lowest: float = -math.inf
    highest: float = math.inf

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


def least_variances(hits: Sequence[Array], people: Sequence[Array]) -> list[Array]:
    """How unsure the share of each arm is at least, where few did or did not; else zero.

    An arm of ten beside a hundred in which it happened to nobody would seem to know that it never
    does: under equal shares a third of all such tests would raise an alarm. So of an arm with fewer
    than ten that did, or did not, the variance is that of its share with one more of each, and that
    of the share of all arms, whichever is larger.

    Source: Agresti & Caffo (2000), "Simple and Effective Confidence Intervals for Proportions and
    Differences of Proportions Result from Adding Two Successes and Two Failures"; of all arms, as
    equal shares would have it, the test of Pearson (1900).

    Args:
        hits: how many did it, of each arm.
        people: how many could have.
    """
    every = _added(sum(hits, start=np.zeros(())), sum(people, start=np.zeros(())))
    found = []
    for did, of in zip(hits, people, strict=True):
        own = _added(did, of) / (of + 2)
        few = (np.minimum(did, of - did) < FEW_OUTCOMES) & (of > 0)
        found.append(np.where(few, np.maximum(own, every / np.maximum(of, 1)), 0.0))
    return found


def _added(hits: Array, people: Array) -> Array:
    """The variance of one person, had one more done it and one more not."""
    share = (hits + 1) / (people + 2)
    return np.asarray(share * (1 - share))


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
