"""What an arm's people add up to: counts, means and scatter, so that no row is needed again.

Statistics of parts are merged by Chan, Golub & LeVeque (1979), "Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances", which stays exact where sums of squares cancel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from courtesy.ground.primitives.errors import DataError

Array = npt.NDArray[np.float64]
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Moments:
    """Frozen, addable statistics of ``d`` columns over any number of groups.

    ``count``: units of each group, shape ``(...)``.
    ``mean``: shape ``(..., d)``, in the columns' own units.
    ``scatter``: sums of products of deviations from the mean, shape ``(..., d, d)``.
    """

    count: Array
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, rows: npt.ArrayLike) -> Self:
        """The statistics of ``rows``, shape ``(..., n, d)``: n units, d columns each."""
        given = np.asarray(rows, dtype=np.float64)
        number = given.shape[-2]
        mean = given.sum(axis=-2) / max(number, 1)
        off = given - mean[..., None, :]
        count = np.full(given.shape[:-2], float(number))
        return cls(count, mean, np.swapaxes(off, -1, -2) @ off)

    @classmethod
    def of_counts(cls, units: npt.ArrayLike, successes: npt.ArrayLike) -> Self:
        """The statistics of yes-or-no outcomes, from how many there were and how many said yes.

        Raises:
            DataError: a count is negative, or there are more successes than units.
        """
        count = np.asarray(units, dtype=np.float64)
        hits = np.asarray(successes, dtype=np.float64)
        if np.any(count < 0) or np.any(hits < 0) or np.any(hits > count):
            raise DataError(f"Successes lie between 0 and the units; found {hits} of {count}.")
        share = hits / np.maximum(count, 1)
        return cls(count, share[..., None], (count * share * (1 - share))[..., None, None])

    @classmethod
    def stacked(cls, parts: Sequence[Self]) -> Self:
        """The statistics of several groups side by side, under a new leading index."""
        return cls(
            np.stack([part.count for part in parts]),
            np.stack([part.mean for part in parts]),
            np.stack([part.scatter for part in parts]),
        )

    def __add__(self, other: Self) -> Self:
        """The statistics of both groups' units together."""
        total = self.count + other.count
        part = (other.count / np.maximum(total, 1))[..., None]
        step = other.mean - self.mean
        between = (
            (self.count[..., None] * part)[..., None] * step[..., :, None] * step[..., None, :]
        )
        return type(self)(total, self.mean + step * part, self.scatter + other.scatter + between)

    def __getitem__(self, index: int | tuple[int, ...]) -> Self:
        """The statistics of one group, or of the groups under a leading index."""
        return type(self)(np.asarray(self.count[index]), self.mean[index], self.scatter[index])

    @property
    def covariance(self) -> Array:
        """The unbiased covariance of the columns, ``(..., d, d)``; zero below two units."""
        return self.scatter / np.maximum(self.count - 1, 1)[..., None, None]

    def columns(self, *which: int) -> Self:
        """The same units with only these columns, in this order."""
        chosen = list(which)
        scatter = self.scatter[..., chosen, :][..., :, chosen]
        return type(self)(self.count, self.mean[..., chosen], scatter)

    def mapped(self, mean: Array, gradient: Array) -> Self:
        """The statistics of linear pieces of the columns; what is only rounding becomes zero.

        Args:
            mean: what the new columns average to, ``(..., k)``.
            gradient: how each new column moves with the old ones, ``(..., k, d)``.
        """
        turned = np.swapaxes(gradient, -1, -2)
        scatter = gradient @ self.scatter @ turned
        noise = _ROUNDING * (np.abs(gradient) @ np.abs(self.scatter) @ np.abs(turned))
        return type(self)(self.count, mean, np.where(np.abs(scatter) > noise, scatter, 0.0))
