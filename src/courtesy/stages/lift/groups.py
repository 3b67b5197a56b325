"""The sums of several groups of people, such as days, segments or strata, side by side."""

from collections.abc import Iterator, Sequence

import numpy as np

from courtesy.ground.stats import Moments
from courtesy.stages.lift.estimates import present
from courtesy.stages.lift.model import Design, Outcome, Tally

Sums = dict[str, list[Moments]]


def by_metric(design: Design, tallies: Sequence[Tally]) -> Iterator[tuple[Outcome, Sums]]:
    """Each metric, with the sums of every arm that has people: one for each tally, in their order.

    Args:
        design: the arms.
        tallies: groups that share no person; what one says nothing of is nobody there.
    """
    found: dict[str, list[Outcome | None]] = {}
    for at, tally in enumerate(tallies):
        for outcome in tally.outcomes:
            found.setdefault(outcome.metric, [None] * len(tallies))[at] = outcome
    for outcomes in found.values():
        first = next(outcome for outcome in outcomes if outcome is not None)
        yield first, {arm: [_of(one, arm, first) for one in outcomes] for arm in present(design)}


def _of(outcome: Outcome | None, arm: str, first: Outcome) -> Moments:
    found = outcome.moments.get(arm) if outcome else None
    width = next(iter(first.moments.values())).mean.shape[-1]
    return Moments.of(np.empty((0, width))) if found is None else found
