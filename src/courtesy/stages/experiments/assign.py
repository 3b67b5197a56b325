"""Which arm: a pure function of the unit, the experiment and the time.

Chance deals every unit one of ten thousand buckets, and of each bucket it is known beforehand what
its arm is: GrowthBook's bucket ranges, see ``ground.primitives.bucketing``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from courtesy.ground.primitives.bucketing import Units, choose, ranges
from courtesy.stages.experiments.model import (
    ASSIGNED,
    HOLDOUT,
    Experiment,
    Layer,
    Ramp,
    Split,
    Standing,
)

_BUCKETS = 10_000
_NOBODY = pl.DataFrame(schema={"person_id": pl.String()})

Buckets = npt.NDArray[np.float64]


def assign(units: pl.Series, split: Split) -> pl.Series:
    """The arm of each unit.

    Args:
        units: n ids of people or clusters.
        split: the arms; the first has the buckets from zero on, so that a holdout that grows keeps
            those it had.

    Returns:
        n names of arms, in the order of ``units``; null where a unit takes no part, because it is
        outside the traffic or outside the layer's part.
    """
    return assign_many(units, [split])[split.experiment]


def assign_many(units: pl.Series, splits: Iterable[Split]) -> dict[str, pl.Series]:
    """The arms of many experiments, by name, each as ``assign`` gives them; ids are read once."""
    known, wanted = Units(units), list(splits)
    layers = {split.layer.name for split in wanted if split.layer}
    dealt = {name: known.buckets(f"layer/{name}") for name in layers}
    return {
        split.experiment: _arms(
            split, known.buckets(split.seed), dealt[split.layer.name] if split.layer else None
        )
        for split in wanted
    }


def is_held(units: pl.Series, split: Split) -> pl.Series:
    """Whether a holdout leaves each of n units alone."""
    return (assign(units, split) == HOLDOUT).alias("held")


def moved(units: pl.Series, smallest: float, largest: float, seed: str) -> pl.Series:
    """Which of n units were at times inside and at times outside a holdout that was resized.

    Args:
        units: n ids.
        smallest: the smallest share (0 to 1) that the holdout ever had, and
        largest: the largest.
        seed: of its hash: its name.
    """
    dealt = Units(units).buckets(seed)
    return pl.Series("moved", (dealt >= smallest) & (dealt < largest), dtype=pl.Boolean)


def split_of(experiment: Experiment, now: datetime) -> Split:
    """How chance assigns at ``now``, with the traffic that the ramp has reached."""
    return Split(
        experiment=experiment.name,
        shares=experiment.arms,
        seed=experiment.name,
        traffic=share_at(experiment.traffic, now),
        layer=experiment.layer,
    )


def share_at(traffic: Iterable[Ramp], now: datetime) -> float:
    """The share (0 to 1) that a ramp has reached; zero before its first step."""
    reached = [ramp.share for ramp in traffic if ramp.since is None or ramp.since <= now]
    return reached[-1] if reached else 0.0


def expected_shares(experiment: Experiment, now: datetime | None = None) -> dict[str, float] | None:
    """The share of all people exposed that each arm should have, adding up to one.

    Args:
        experiment: a checked definition.
        now: when the traffic is looked at; None takes the last step of the ramp.

    Returns:
        Shares by arm; None where others assigned, so that no share is known.
    """
    if experiment.observed:
        return None
    traffic = experiment.traffic[-1].share if now is None else share_at(experiment.traffic, now)
    split = Split(experiment.name, experiment.arms, experiment.name, traffic)
    return dict(dealt_shares(split) or experiment.arms)


def runs(experiment: Experiment, standing: Standing | None, now: datetime) -> bool:
    """Whether people are exposed at ``now``: a pilot from its start on, and nothing after its stop.

    Args:
        experiment: a checked definition.
        standing: whether it was started and stopped; None when it never was started.
        now: the present instant.
    """
    if experiment.observed:
        return False
    if standing is None:
        return experiment.pilot is None
    return standing.started_at <= now and not _stopped(standing, now)


def rivals(
    experiment: Experiment, others: Iterable[Experiment], standings: Mapping[str, Standing]
) -> list[str]:
    """The experiments that share its layer and did not end; nobody may be in two of them.

    Chance alone keeps them apart, but people who were exposed may turn out to be one person, or
    move to another household.
    """
    mine = experiment.layer.name if experiment.layer else None
    stopped = {name for name, one in standings.items() if one.stopped_at is not None}
    alike = (one for one in others if one.layer and one.layer.name == mine)
    return [one.name for one in alike if one.name not in {experiment.name, *stopped}]


def arms_of(  # noqa: PLR0913, PLR0917 - all that an arm depends on
    units: pl.DataFrame,
    experiment: Experiment,
    now: datetime,
    standing: Standing | None,
    before: pl.DataFrame,
    taken: pl.DataFrame = _NOBODY,
) -> pl.DataFrame:
    """The arm that each person gets now, and whether that is an exposure.

    Who was exposed before keeps that arm. Who takes no part gets the control; after the end
    everybody gets the arm that was kept.

    Args:
        units: ``UNITS`` rows, one for each person.
        experiment: a checked definition.
        now: the present instant.
        standing: whether it was started and stopped; None when it never was started.
        before: ``person_id, arm`` of those exposed before, each once.
        taken: ``person_id`` of those exposed to one of its ``rivals``: they take no part.

    Returns:
        ``ASSIGNED`` rows in the order of ``units``.
    """
    if not runs(experiment, standing, now):
        kept = pl.lit(_kept(experiment, standing, now)).alias("arm")
        return units.select("person_id", kept, exposed=False).cast(ASSIGNED)
    fresh = units.lazy().select("person_id", assign(units["unit"], split_of(experiment, now)))
    earlier = before.lazy().select("person_id", pl.col("arm").alias("earlier"))
    known = fresh.join(earlier, on="person_id", how="left", maintain_order="left")
    free = ~pl.col("person_id").is_in(taken["person_id"].implode())
    arm = pl.coalesce("earlier", pl.when(free).then("arm"))
    counted = arm.is_in(list(experiment.arms)).fill_null(value=False)
    told = known.select(
        "person_id",
        pl.when(counted).then(arm).otherwise(pl.lit(experiment.control)).alias("arm"),
        counted.alias("exposed"),
    )
    return told.collect().cast(ASSIGNED)


def _arms(split: Split, dealt: Buckets, layered: Buckets | None) -> pl.Series:
    numbers = np.rint(dealt * _BUCKETS).astype(np.uint32)
    if layered is not None and split.layer:
        numbers[~_inside(split.layer, layered)] = _BUCKETS
    return _table(tuple(split.shares.items()), split.traffic).gather(numbers)


@lru_cache(maxsize=64)
def _table(shares: tuple[tuple[str, float], ...], traffic: float) -> pl.Series:
    """The arm of each bucket; at the end, for who is outside a layer's part, none."""
    nobody = pl.Series([None], dtype=pl.String)
    return arm_of_buckets(Split("", dict(shares), "", traffic)).append(nobody)


def arm_of_buckets(split: Split) -> pl.Series:
    """The arm of each of the ten thousand buckets; null where it takes no part, by traffic."""
    arms = ranges(len(split.shares), split.traffic, list(split.shares.values()))
    chosen = choose(np.arange(_BUCKETS) / _BUCKETS, arms)
    if split.traffic >= 1:
        chosen[chosen < 0] = len(arms) - 1
    names = pl.Series("arm", list(split.shares), dtype=pl.String)
    return names.gather(pl.Series(chosen).replace(-1, None))


def dealt_shares(split: Split) -> Mapping[str, float]:
    """The share that each arm has of the buckets that take part; empty where none does.

    Ten thousand buckets do not divide evenly: of one percent of traffic three equal arms get 34, 33
    and 33, which a sample-ratio test over many people would take for a fault.
    """
    counts = {arm: int((arm_of_buckets(split) == arm).sum()) for arm in split.shares}
    total = sum(counts.values())
    return {arm: count / total for arm, count in counts.items()} if total else {}


def _inside(layer: Layer, dealt: Buckets) -> npt.NDArray[np.bool_]:
    return (dealt >= layer.start) & (dealt < layer.end)


def _stopped(standing: Standing, now: datetime) -> bool:
    return standing.stopped_at is not None and standing.stopped_at <= now


def _kept(experiment: Experiment, standing: Standing | None, now: datetime) -> str:
    kept = standing.kept if standing and _stopped(standing, now) else None
    return kept if kept and kept in experiment.arms else experiment.control
