"""Whether an effect differs between segments, without being fooled by the best of many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from courtesy.ground.stats import (
    Array,
    Moments,
    Segments,
    difference,
    evened,
    separate,
    shrunk,
)
from courtesy.stages.lift.estimates import estimates, people_of
from courtesy.stages.lift.groups import Sums, by_metric
from courtesy.stages.lift.model import (
    PROPORTION,
    Design,
    Outcome,
    SegmentEffect,
    Spread,
    Tally,
)

OTHER = "other"
"""The name of the segments that are too small to stand alone."""

_FEWEST_UNITS = 50
_FEWEST_OUTCOMES = 10
_FEWEST = 2
_ENOUGH = 4


@dataclass(frozen=True)
class _Parts:
    """Segments: their names, the people of each arm, and the sums of each arm."""

    names: list[str]
    people: list[dict[str, int]]
    sums: Sums

    def joining(self, which: npt.NDArray[np.bool_]) -> "_Parts":
        """The same with some segments taken together at the end."""
        kept, joined = np.flatnonzero(~which).tolist(), np.flatnonzero(which).tolist()
        people = [self.people[at] for at in joined]
        together = {arm: sum(one.get(arm, 0) for one in people) for arm in self.sums}
        sums = {
            arm: [*(parts[at] for at in kept), reduce(add, (parts[at] for at in joined))]
            for arm, parts in self.sums.items()
        }
        names = [*(self.names[at] for at in kept), OTHER]
        return _Parts(names, [*(self.people[at] for at in kept), together], sums)


def spreads(design: Design, trait: str, tallies: Sequence[Tally]) -> tuple[Spread, ...]:
    """Each segment's effect, of every arm on every metric, for one look.

    Four segments or more are drawn towards each other; two or three, which say too little of how
    segments differ, keep their own effects under wider intervals, all of which hold together.
    Segments with fewer than 50 units in an arm, or of a yes-or-no metric with fewer than 10 that
    did or did not, are taken together as ``other``, with the smallest of the rest if need be.

    Args:
        design: the arms.
        trait: what makes the segments.
        tallies: the sums of each segment; what it is must be known from before the exposure.

    Returns:
        Nothing where chance did not assign, and nothing of a metric with fewer than two segments
        that are large enough.
    """
    if not design.randomised:
        return ()
    names = [tally.group for tally in tallies]
    people = [dict(tally.units) for tally in tallies]
    found = ((o, _joined(_Parts(names, people, s), o)) for o, s in by_metric(design, tallies))
    return tuple(one for o, parts in found for one in _spreads(design, trait, o, parts))


def _joined(parts: _Parts, outcome: Outcome) -> _Parts:
    """Segments that can stand alone; the last one may be all others."""
    thin = _thin(parts.sums, outcome)
    if not thin.any():
        return parts
    if _thin(parts.joining(thin).sums, outcome)[-1] and not thin.all():
        units = np.sum([[m.count for m in sums] for sums in parts.sums.values()], axis=0)
        thin[np.argmin(np.where(thin, np.inf, units))] = True
    return parts.joining(thin)


def _thin(sums: Sums, outcome: Outcome) -> npt.NDArray[np.bool_]:
    units = np.array([[float(m.count) for m in parts] for parts in sums.values()])
    thin = np.asarray(units.min(axis=0) < _FEWEST_UNITS)
    if outcome.kind == PROPORTION:
        did = np.array([[m.count * m.mean[0] for m in parts] for parts in sums.values()])
        people = np.array([[people_of(m, outcome) for m in parts] for parts in sums.values()])
        rarer = np.minimum(did.sum(axis=0), (people - did).sum(axis=0))
        thin = thin | (rarer < _FEWEST_OUTCOMES)
    return thin


def _spreads(design: Design, trait: str, outcome: Outcome, parts: _Parts) -> Iterator[Spread]:
    stacked = [Moments.stacked(sums) for sums in parts.sums.values()]
    arms = dict(zip(parts.sums, estimates(stacked, outcome), strict=True))
    control = arms.pop(design.control)
    for arm, treated in arms.items():
        own = difference(*evened(control, treated))
        people = [one.get(design.control, 0) + one.get(arm, 0) for one in parts.people]
        known = np.flatnonzero(np.isfinite(own.value) & (own.error > 0))
        if len(known) >= _FEWEST:
            found = _apart(own.value[known], own.error[known], design.rule.alpha)
            named = [(parts.names[at], people[at], float(own.value[at])) for at in known]
            yield _spread(trait, (arm, outcome.metric), _within(found, outcome), named)


def _within(found: Segments, outcome: Outcome) -> Segments:
    """The same with ends no farther than a difference can be."""
    farthest = outcome.bounds[1] - outcome.bounds[0]
    low, high = np.maximum(found.low, -farthest), np.minimum(found.high, farthest)
    return replace(found, low=low, high=high)


def _apart(own: Array, errors: Array, alpha: float) -> Segments:
    return (shrunk if len(own) >= _ENOUGH else separate)(own, errors, alpha)


def _spread(
    trait: str, what: tuple[str, str], found: Segments, named: Sequence[tuple[str, int, float]]
) -> Spread:
    rows = zip(named, found.effect, found.low, found.high, strict=True)
    arm, metric = what
    return Spread(
        trait=trait,
        arm=arm,
        metric=metric,
        overall=found.overall,
        spread=found.spread,
        p_value=found.p_value,
        segments=tuple(
            SegmentEffect(name, people, own, float(effect), float(low), float(high))
            for (name, people, own), effect, low, high in rows
        ),
    )
