"""Holding back the largest values, so that one buyer of a lifetime does not decide a test.

Source: Tukey (1962), "The Future of Data Analysis", section 14. The limit is that of both arms
together: one that differed between arms would make an effect of its own.
"""

from collections.abc import Sequence

import numpy as np

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.moments import Array


def winsorised(arms: Sequence[Array], share: float) -> tuple[list[Array], float]:
    """The arms with every value above the limit set to it, and the limit.

    Args:
        arms: outcomes of each arm, ``(n,)`` each.
        share: the part of all values that is left as it is, above 0 and up to 1, such as 0.99.

    Raises:
        DataError: the share is out of bounds, or nobody is there.
    """
    if not 0 < share <= 1:
        raise DataError(f"The share of values to leave lies above 0 and up to 1; found {share}.")
    everyone = np.concatenate(list(arms))
    if not len(everyone):
        raise DataError("It takes one outcome at least.")
    limit = float(np.quantile(everyone, share))
    return [np.minimum(arm, limit) for arm in arms], limit
