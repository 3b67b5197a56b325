"""Which column is what among the sums of a metric."""

import math
from dataclasses import dataclass
from datetime import timedelta

from courtesy.ground.stats import Moments
from courtesy.stages.lift.model import (
    CONVERSION,
    COUNT,
    MEAN,
    PROPORTION,
    RATIO,
    TIME,
    UNBOUNDED,
    Metric,
    Outcome,
    Ratio,
)
from courtesy.stages.lift.plan import Plan, parts

_DAY = timedelta(days=1)
Pairs = tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class Columns:
    """In this order: the metric's one or two values, the cluster's size, covariates, received."""

    values: int
    clustered: bool
    covariates: int
    received: bool

    @classmethod
    def of(cls, plan: Plan, metric: Metric | Ratio) -> "Columns":
        """Those of a metric in a plan."""
        values = len(parts(metric))
        return cls(values, plan.clustered, values if plan.history else 0, plan.received is not None)

    @property
    def width(self) -> int:
        """How many there are."""
        return self._own + self.covariates + self.received

    @property
    def size(self) -> int | None:
        """The column with the people of a cluster; None where chance assigned people."""
        return self.values if self.clustered else None

    @property
    def pairs(self) -> Pairs:
        """The metric, then its covariates, each for a person."""
        covariates = range(self._own, self._own + self.covariates)
        return (self._metric, *((column, self.size) for column in covariates))

    def outcome(self, metric: Metric | Ratio, moments: dict[str, Moments]) -> Outcome:
        """The metric and its covariates."""
        kept = range(self._own + self.covariates)
        return self._told(metric, moments, tuple(kept), self.pairs)

    def reached(self, metric: Metric | Ratio, moments: dict[str, Moments]) -> Outcome:
        """The metric, and whether the treatment reached a person."""
        kept = (*range(self._own), self.width - 1)
        return self._told(metric, moments, kept, (self._metric, (self._own, self.size)))

    @property
    def _own(self) -> int:
        return self.values + self.clustered

    @property
    def _metric(self) -> tuple[int, int | None]:
        return (0, self.size if self.values == 1 else 1)

    def _told(
        self,
        metric: Metric | Ratio,
        moments: dict[str, Moments],
        kept: tuple[int, ...],
        pairs: Pairs,
    ) -> Outcome:
        chosen = {arm: found.columns(*kept) for arm, found in moments.items()}
        return Outcome(
            metric.name,
            _kind(metric),
            chosen,
            pairs,
            self.clustered,
            metric.better,
            bounds=bounds_of(metric),
        )


def bounds_of(metric: Metric | Ratio) -> tuple[float, float]:
    """Between which values a metric of people lies; money may also be given back."""
    if isinstance(metric, Ratio):
        return (0.0, math.inf) if all(bounds_of(m)[0] >= 0 for m in parts(metric)) else UNBOUNDED
    if metric.kind == CONVERSION:
        return 0.0, 1.0
    if metric.kind == TIME and metric.within is not None:
        return 0.0, metric.within / _DAY
    most = math.inf if metric.cap is None else metric.cap
    return (0.0, most) if metric.kind == COUNT else (-math.inf, most)


def _kind(metric: Metric | Ratio) -> str:
    if isinstance(metric, Ratio):
        return RATIO
    return PROPORTION if metric.kind == CONVERSION else MEAN
