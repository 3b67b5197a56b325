"""The effect on a quantile, such as the median, by the bootstrap without resampling.

Source: Schultzberg & Ankargren (2022), "Resampling-free bootstrap inference for quantiles" (arXiv
2202.10992): which order statistic is the quantile of a bootstrap sample follows a binomial law, so
each replication costs one draw however large the arm.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.moments import Array
from courtesy.ground.stats.rule import DEFAULT_ALPHA

_DRAWS = 10_000


@dataclass(frozen=True)
class QuantileEffect:
    """Treated minus control at a quantile, with the percentile interval, for one look."""

    control: float
    treated: float
    effect: float
    low: float
    high: float


def compare_quantile(
    control: Array, treated: Array, quantile: float, *, key: int, alpha: float = DEFAULT_ALPHA
) -> QuantileEffect:
    """The difference of a quantile between two arms.

    Args:
        control: outcomes of the control, ``(n,)``.
        treated: outcomes of the other arm, ``(m,)``.
        quantile: between 0 and 1.
        key: starts the random numbers; the same key gives the same interval.
        alpha: the accepted share of intervals that miss.

    Raises:
        DataError: an arm is empty or the quantile is not between 0 and 1.
    """
    if not 0 < quantile < 1:
        raise DataError(f"A quantile lies between 0 and 1; found {quantile}.")
    if not len(control) or not len(treated):
        raise DataError("Each arm needs one outcome at least.")
    random = np.random.default_rng(key)
    drawn = _replicated(treated, quantile, random) - _replicated(control, quantile, random)
    low, high = np.quantile(drawn, [alpha / 2, 1 - alpha / 2])
    here, there = float(np.quantile(control, quantile)), float(np.quantile(treated, quantile))
    return QuantileEffect(here, there, there - here, float(low), float(high))


def _replicated(values: Array, quantile: float, random: np.random.Generator) -> Array:
    ordered = np.sort(values)
    rank: npt.NDArray[np.int64] = random.binomial(len(ordered) + 1, quantile, size=_DRAWS)
    return np.asarray(ordered[np.clip(rank - 1, 0, len(ordered) - 1)])
