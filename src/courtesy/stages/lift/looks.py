"""The effect as it was known day by day, under intervals that hold at every look."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import add

from courtesy.ground.stats import AlwaysValid, Estimate, Moments, compare
from courtesy.stages.lift.estimates import estimates, number
from courtesy.stages.lift.groups import by_metric
from courtesy.stages.lift.model import Design, Look, Tally


def looks(design: Design, tallies: Sequence[Tally]) -> tuple[Look, ...]:
    """The confidence sequence of each arm on each metric, one look for each day.

    Args:
        design: the arms. Under a rule for one look the sequence has the same alpha.
        tallies: the people whose time to respond was over on a day, by ISO day; days without
            anybody may be missing.

    Returns:
        None where people were not assigned by chance. An early look may have no effect or interval.
    """
    if not design.randomised:
        return ()
    days = sorted(tallies, key=lambda tally: tally.group)
    return tuple(_looks(design, days))


def _looks(design: Design, days: Sequence[Tally]) -> Iterator[Look]:
    for outcome, sums in by_metric(design, days):
        running = {
            arm: Moments.stacked(list(accumulate(parts, add))) for arm, parts in sums.items()
        }
        found = dict(zip(running, estimates(list(running.values()), outcome), strict=True))
        control = found.pop(design.control)
        for arm, treated in found.items():
            yield from _course(design, (outcome.metric, arm), days, (control, treated))


def _course(
    design: Design, what: tuple[str, str], days: Sequence[Tally], pair: tuple[Estimate, Estimate]
) -> Iterator[Look]:
    metric, arm = what
    shown = compare(*pair, _sequence(design))
    for at, tally in enumerate(days):
        yield Look(
            arm=arm,
            metric=metric,
            day=tally.group,
            units=int(pair[0].units[at] + pair[1].units[at]),
            effect=number(shown.effect[at]),
            effect_low=number(shown.low[at]),
            effect_high=number(shown.high[at]),
        )


def _sequence(design: Design) -> AlwaysValid:
    rule = design.rule
    return rule if isinstance(rule, AlwaysValid) else AlwaysValid(rule.alpha)
