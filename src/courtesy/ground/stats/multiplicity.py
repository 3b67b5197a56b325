"""Several comparisons at once: p-values corrected so that the best of many is not believed.

Sources: Holm (1979), "A Simple Sequentially Rejective Multiple Test Procedure", for decisions;
Benjamini & Hochberg (1995), "Controlling the False Discovery Rate", for exploring.
"""

import numpy as np
import numpy.typing as npt

from courtesy.ground.stats.moments import Array


def holm(p_values: npt.ArrayLike) -> Array:
    """Corrected p-values ``(n,)``: below alpha, with at most alpha risk of any wrong alarm.

    NaN stays NaN and does not count as a comparison.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order, known = _ascending(given)
    steps = np.maximum.accumulate((known - np.arange(known)) * given[order])
    return _placed(given, order, steps)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Array:
    """Corrected p-values ``(n,)``: of those below q, at most the share q is wrong on average.

    NaN stays NaN and does not count as a comparison.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order, known = _ascending(given)
    steps = known / np.arange(1, known + 1) * given[order]
    return _placed(given, order, np.minimum.accumulate(steps[::-1])[::-1])


def _ascending(given: Array) -> tuple[npt.NDArray[np.intp], int]:
    known = int(np.sum(~np.isnan(given)))
    return np.argsort(given, kind="stable")[:known], known


def _placed(given: Array, order: npt.NDArray[np.intp], steps: Array) -> Array:
    placed = np.full_like(given, np.nan)
    placed[order] = np.minimum(steps, 1)
    return placed
