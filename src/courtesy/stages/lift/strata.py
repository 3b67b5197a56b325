"""Arms compared as if each had everybody's mix of strata, which takes out the chance of the mix."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Estimate, Moments, post_stratified
from courtesy.stages.lift.estimates import comparisons, corrected, within_bounds
from courtesy.stages.lift.groups import by_metric
from courtesy.stages.lift.model import Comparison, Design, Outcome, Tally

_METHOD = ", post-stratified"


def stratified(design: Design, tallies: Sequence[Tally]) -> tuple[Comparison, ...]:
    """Every arm beside the control, post-stratified.

    Args:
        design: the arms and how they were made.
        tallies: the sums of each stratum, known from before the exposure; together everybody.

    Returns:
        Nothing of metrics over clusters, whose people may be in several strata, and nothing where
        an arm has too few people for any strata.
    """
    return corrected(list(_compared(design, tallies)))


def _compared(design: Design, tallies: Sequence[Tally]) -> Iterator[Comparison]:
    for outcome, sums in by_metric(design, tallies):
        whole = replace(outcome, moments={arm: reduce(add, parts) for arm, parts in sums.items()})
        arms = [Moments.stacked(parts) for parts in sums.values()]
        found = [] if outcome.clustered else _estimates(arms, whole)
        if found:
            by_arm = dict(zip(sums, found, strict=True))
            yield from comparisons(design, whole, by_arm, _METHOD)


def _estimates(arms: Sequence[Moments], outcome: Outcome) -> list[Estimate]:
    try:
        found = post_stratified(arms, outcome.pairs)
    except DataError:
        return []
    return within_bounds(found, list(outcome.moments.values()), outcome)
