"""What chance dealt while traffic grew.

Ten thousand buckets do not divide evenly, so arms have other shares of one percent of them than of
twenty. When somebody came says little of this: who comes again after a ramp can only be new in a
bucket that the ramp added. But the buckets that one step added were treated alike at all times, so
that among the people in them each arm has exactly its share of these buckets: they are a round.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from courtesy.ground.primitives.bucketing import buckets
from courtesy.stages.experiments.assign import arm_of_buckets, dealt_shares
from courtesy.stages.experiments.model import HOLDOUT, TREATED, Experiment, Split

DEALT = pl.Schema({"unit": pl.String(), "arm": pl.String()})
"""What chance assigned, people or clusters, once in each arm in which they are counted."""


@dataclass(frozen=True)
class Round:
    """People or clusters of each arm, and the ``shares`` that the arms should have of them."""

    units: Mapping[str, int]
    shares: Mapping[str, float]


def traffic_until(versions: Iterable[Experiment], now: datetime) -> list[float]:
    """The shares of traffic (0 to 1) that an experiment may have had so far, the smallest first.

    Args:
        versions: of its definition, all that ever were in force.
        now: the present instant.
    """
    ramps = (ramp for one in versions for ramp in one.traffic)
    reached = {ramp.share for ramp in ramps if ramp.since is None or ramp.since <= now}
    return sorted(reached - {0.0})


def rounds(experiment: Experiment, traffic: Sequence[float], dealt: pl.DataFrame) -> list[Round]:
    """The rounds of an experiment, one for each step of its traffic and one for all others.

    Args:
        experiment: a checked definition.
        traffic: what ``traffic_until`` tells, one share at least.
        dealt: n ``DEALT`` rows. Who is outside all traffic, whose arm others must have given, is
            in the last round, with the shares of the definition.
    """
    splits = [Split(experiment.name, experiment.arms, experiment.name, one) for one in traffic]
    arms = [arm_of_buckets(split) for split in splits]
    of_bucket = _rounds_of_buckets(arms)
    numbers = np.rint(buckets(experiment.name, dealt["unit"]) * len(of_bucket)).astype(np.int64)
    of_unit = pl.Series(of_bucket[numbers])
    shares = [_shares(arms[-1].filter(pl.Series(of_bucket == n))) for n in range(len(arms))]
    return [
        Round(_counts(dealt["arm"].filter(of_unit == n), experiment), _ordered(share, experiment))
        for n, share in enumerate([*shares, dict(experiment.arms)])
    ]


def overall(found: Sequence[Round]) -> dict[str, float] | None:
    """The share that each arm should have of all people in some rounds, adding up to one.

    None where an arm should have nobody yet, as where there are no people.
    """
    people = [sum(one.units.values()) for one in found]
    expected = {
        arm: sum(n * one.shares[arm] for n, one in zip(people, found, strict=True))
        for arm in found[0].shares
    }
    return {arm: n / sum(people) for arm, n in expected.items()} if all(expected.values()) else None


def holdout_shares(name: str, smallest: float, largest: float) -> dict[str, float]:
    """What a holdout should have of those who were always on one side of it, in any scale.

    Args:
        name: of the holdout.
        smallest: the smallest share (0 to 1) that it left alone, and
        largest: the largest.
    """
    held = dealt_shares(Split.holdout(name, smallest))[HOLDOUT]
    return {HOLDOUT: held, TREATED: dealt_shares(Split.holdout(name, largest))[TREATED]}


def _rounds_of_buckets(arms: Sequence[pl.Series]) -> npt.NDArray[np.int64]:
    """The first step of traffic that each bucket is in; their number where it is in none."""
    inside = np.array([arm.is_not_null().to_numpy() for arm in arms])
    return np.where(inside.any(axis=0), inside.argmax(axis=0), len(arms))


def _counts(arms: pl.Series, experiment: Experiment) -> dict[str, int]:
    return {arm: int((arms == arm).sum()) for arm in experiment.arms}


def _ordered(shares: Mapping[str, float], experiment: Experiment) -> dict[str, float]:
    return {arm: shares.get(arm, 0.0) for arm in experiment.arms}


def _shares(arms: pl.Series) -> dict[str, float]:
    return {str(arm): count / len(arms) for arm, count in arms.value_counts().iter_rows()}
