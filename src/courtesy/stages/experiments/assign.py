"""Which arm: a pure function of the person and the experiment."""

import numpy as np
import polars as pl

from courtesy.ground.primitives.bucketing import buckets, choose, ranges
from courtesy.stages.experiments.model import Split


def assign(people: pl.Series, split: Split) -> pl.Series:
    """The arm of each person.

    Args:
        people: n person ids.
        split: the arms; the first has the buckets from zero on, so that a holdout that grows keeps
            those it had.

    Returns:
        n names of arms, in the order of ``people``.
    """
    names = list(split.shares)
    arms = ranges(len(names), 1.0, list(split.shares.values()))
    chosen = choose(buckets(split.seed, people.to_list()), arms)
    last = np.where(chosen < 0, len(names) - 1, chosen)
    return pl.Series("arm", np.asarray(names, dtype=object)[last], dtype=pl.String)
