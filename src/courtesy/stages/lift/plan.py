"""What to measure of an experiment, and how."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from courtesy.ground.rules import Did
from courtesy.ground.stats import AlwaysValid, Rule
from courtesy.stages.experiments.rounds import Round
from courtesy.stages.lift.model import Metric, Ratio


@dataclass(frozen=True)
class Plan:
    """What to measure, and how.

    ``shares``: each arm's expected share, in any scale. ``history``: how long before the exposure
    the same metrics are read to take out noise (CUPED); None for without. ``randomised``: whether
    chance alone decided who came into which arm. ``clustered``: whether chance assigned clusters of
    people, the ``unit`` of the exposures. ``trigger``: the event from which on the arms differ;
    people count from their first such event on, and only who has one. ``received``: the event that
    shows that somebody got the treatment. Of both events only the name and the properties matter.
    ``rounds``: what chance dealt, where it did so in unlike shares, as it does while traffic grows.
    """

    experiment: str
    control: str
    metrics: Sequence[Metric | Ratio]
    shares: Mapping[str, float] | None = None
    rule: Rule = field(default_factory=AlwaysValid)
    history: timedelta | None = None
    randomised: bool = True
    clustered: bool = False
    trigger: Did | None = None
    received: Did | None = None
    rounds: Sequence[Round] = ()

    @cached_property
    def means(self) -> Sequence[Metric | Ratio]:
        """The metrics that are means or ratios of means, so that sums say all of them."""
        return [metric for metric in self.metrics if not is_quantile(metric)]

    @cached_property
    def quantiles(self) -> Sequence[Metric]:
        """The metrics of which a quantile is compared, which takes everybody's value."""
        return [m for m in self.metrics if isinstance(m, Metric) and m.quantile is not None]

    @cached_property
    def windows(self) -> Sequence[timedelta]:
        """How long the means run after the exposure, shortest first; zero is until now."""
        return sorted({window(metric) for metric in self.means}) or [timedelta(0)]

    @cached_property
    def facts(self) -> Sequence[Metric]:
        """What is found out of each person for the means, each once."""
        return list(dict.fromkeys(part for metric in self.means for part in parts(metric)))

    @cached_property
    def events(self) -> Sequence[str]:
        """The names of all events that the means, the trigger and the treatment look for."""
        found = {event for part in self.facts for event in part.events}
        return sorted(found | {did.event for did in (self.trigger, self.received) if did})

    @property
    def needs_entry(self) -> bool:
        """Whether something compares with the event by which somebody entered."""
        return any(where.same_as for one in self._conditions() for where in one.where)

    def _conditions(self) -> Iterator[Metric | Did]:
        for metric in self.metrics:
            yield from parts(metric)
        yield from (did for did in (self.trigger, self.received) if did)


def parts(metric: Metric | Ratio) -> tuple[Metric, ...]:
    """The metric itself, or the two of a ratio."""
    return (metric.top, metric.bottom) if isinstance(metric, Ratio) else (metric,)


def window(metric: Metric | Ratio) -> timedelta:
    """How long after the exposure it is complete; zero where it counts until now."""
    return max(part.within or timedelta(0) for part in parts(metric))


def is_quantile(metric: Metric | Ratio) -> bool:
    """Whether a quantile is compared and not a mean."""
    return isinstance(metric, Metric) and metric.quantile is not None
