"""How many people a plan needs, from what people like these did before.

Power as in ``ground.stats``: Cohen (1988) for one look, the confidence sequence's own reach for any
number of looks. With several arms alpha is shared by Bonferroni over the comparisons with the
control, and the pair of arms that needs most decides.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import (
    AlwaysValid,
    Fixed,
    Moments,
    QuantileAlwaysValid,
    Rule,
    Sizing,
    adjusted,
    fewest_for_quantile,
    people_needed,
)
from courtesy.stages.experiments.model import Change, Pilot
from courtesy.stages.lift.estimates import told
from courtesy.stages.lift.model import HIGHER, PROPORTION, Outcome

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Past:
    """People like those of an experiment, before it.

    ``outcome``: the primary metric of all of them, under the one arm ``history``. ``people``: how
    many they are. ``arrivals``: how many were new on each day and not left alone by a holdout, the
    first day with any first. ``respond``: how long it takes from there until the metric is
    complete. ``quantile``: which one the metric compares (0 to 1); None where that is the mean.
    ``left_alone``: the share (0 to 1) that holdouts leave alone. ``counted`` and ``left_out``: how
    these people were found, and what was not looked at.
    """

    outcome: Outcome
    people: int
    arrivals: Sequence[float]
    respond: timedelta = timedelta(0)
    quantile: float | None = None
    left_alone: float = 0.0
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def moments(self) -> Moments:
        """Of the metric's pieces, then of the covariates'."""
        return told(next(iter(self.outcome.moments.values())), self.outcome)


@dataclass(frozen=True)
class Needed:
    """What one way of looking takes: ``people`` of all arms together, and of each of them.

    ``days``: until so many have come and the last has responded; None at a pace of nobody.
    """

    rule: str
    people: int
    arms: Mapping[str, int]
    days: int | None


@dataclass(frozen=True)
class Size:
    """How large an experiment has to be.

    ``baseline`` and ``deviation``: mean of the primary metric and standard deviation of one unit.
    ``effect``: the difference worth finding, in the metric's unit and with its direction;
    ``relative`` to the baseline, None where that is zero. ``cuped_gain``: the share of the variance
    (0 to 1) that history takes out; None without. ``comparisons``: with the control, which share
    ``alpha``. ``people_of_unit``: how many people chance assigns as one, 1.0 without clusters.
    ``people_a_day``: how many came on an average day whom no holdout leaves alone; holdouts keep
    ``left_alone`` of all. ``longest``: the days that the plan allows. ``counted``: how the people
    were found; ``left_out``: what was not looked at, so that the pace may differ.
    """

    metric: str
    baseline: float
    deviation: float
    effect: float
    relative: float | None
    cuped_gain: float | None
    power: float
    alpha: float
    comparisons: int
    people_seen: int
    people_of_unit: float
    people_a_day: float
    longest: float
    needed: tuple[Needed, ...]
    left_alone: float = 0.0
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def size(
    pilot: Pilot,
    past: Past,
    shares: Mapping[str, float],
    control: str,
    taking: Sequence[float] = (1.0,),
) -> Size:
    """The people and days that a pilot needs, for one look and for any number of looks.

    Args:
        pilot: the effect worth having, power and alpha.
        past: people like those to come.
        shares: of the arms, adding up to one.
        control: the arm that the others stand beside.
        taking: the share of those who come (0 to 1) that takes part on the first day, the second
            …; the last goes on.

    Raises:
        DataError: the history shows too little to size from, or no number of people is enough.
    """
    moments = past.moments
    baseline, deviation = _usable(moments, past.outcome)
    effect = _effect(pilot.minimal_effect, baseline, past.outcome)
    pairs = list(_pairs(moments, past.outcome, effect, shares, control))
    people_of_unit = past.people / float(moments.count) if past.outcome.clustered else 1.0
    needed = []
    alpha = pilot.alpha / len(pairs)
    for rule in _rules(past, alpha):
        units = max(people_needed(sizing, rule, pilot.power) / pair for sizing, pair in pairs)
        if past.quantile is not None:
            units = max(units, fewest_for_quantile(past.quantile, rule) / min(shares.values()))
        people = math.ceil(units * people_of_unit)
        arms = {arm: math.ceil(people * share) for arm, share in shares.items()}
        needed.append(Needed(rule.name, people, arms, _days(people, past, taking)))
    return Size(
        metric=past.outcome.metric,
        baseline=baseline,
        deviation=deviation,
        effect=effect,
        relative=effect / abs(baseline) if baseline else None,
        cuped_gain=_gain(moments),
        power=pilot.power,
        alpha=pilot.alpha,
        comparisons=len(pairs),
        people_seen=past.people,
        people_of_unit=people_of_unit,
        people_a_day=sum(past.arrivals) / max(len(past.arrivals), 1),
        longest=pilot.longest / _DAY,
        needed=tuple(needed),
        left_alone=past.left_alone,
        counted=past.counted,
        left_out=past.left_out,
    )


def _rules(past: Past, alpha: float) -> tuple[Rule, Rule]:
    any_look = AlwaysValid(alpha) if past.quantile is None else QuantileAlwaysValid(alpha)
    return Fixed(alpha), any_look


def _usable(moments: Moments, outcome: Outcome) -> tuple[float, float]:
    baseline, variance = float(moments.mean[..., 0]), float(moments.covariance[..., 0, 0])
    if moments.count < 2 or not math.isfinite(baseline):  # noqa: PLR2004 - a variance takes two
        found = f"{float(moments.count):.0f} units"
        raise DataError(
            f"The history shows too little to size from: {found}.", place=outcome.metric
        )
    if variance <= 0:
        same = f"it was {baseline:g} for everybody"
        raise DataError(f"Nobody differs in the history, {same}.", place=outcome.metric)
    return baseline, math.sqrt(variance)


def _effect(change: Change, baseline: float, outcome: Outcome) -> float:
    """The change in the metric's own unit, in the direction that is good."""
    if change.relative and not baseline:
        raise DataError(
            "Nothing is a percentage of a baseline of zero; give the effect in the metric's unit.",
            place=outcome.metric,
        )
    found = abs(change.size) * (abs(baseline) if change.relative else 1.0)
    signed = found if outcome.better == HIGHER else -found
    if outcome.kind == PROPORTION and not 0 <= baseline + signed <= 1:
        raise DataError(
            f"A share of {baseline:.4g} cannot move by {signed:+.4g}.", place=outcome.metric
        )
    return signed


def _pairs(
    moments: Moments, outcome: Outcome, effect: float, shares: Mapping[str, float], control: str
) -> Iterator[tuple[Sizing, float]]:
    """Each arm beside the control, and the share of all units that the two have."""
    for arm, share in shares.items():
        if arm != control:
            pair = share + shares[control]
            yield _sizing(effect, moments, outcome, share / pair), pair


def _sizing(effect: float, moments: Moments, outcome: Outcome, share: float) -> Sizing:
    """Two arms like the past; a treated proportion has the variance of where it moves to."""
    alike = Sizing.of_history(effect, moments, share)
    before = float(moments.mean[..., 0])
    after = before + effect
    if outcome.kind != PROPORTION or not 0 < after < 1:
        return alike
    grown = after * (1 - after) / (before * (1 - before))
    return Sizing(effect, alike.control_variance, alike.control_variance * grown, share)


def _gain(moments: Moments) -> float | None:
    if moments.mean.shape[-1] == 1:
        return None
    (past,) = adjusted([moments])
    kept = float(past.variance * past.units) / float(moments.covariance[..., 0, 0])
    return max(0.0, 1 - kept)


def _days(people: float, past: Past, taking: Sequence[float]) -> int | None:
    """Days until so many have come and the last of them has responded."""
    arrivals = past.arrivals
    later = arrivals[len(arrivals) // 2 :]
    pace = sum(later) / max(len(later), 1)
    came, day = 0.0, 0
    while came < people:
        if day >= max(len(arrivals), len(taking)):
            if pace * taking[-1] <= 0:
                return None
            day += math.ceil((people - came) / (pace * taking[-1]))
            break
        arrived = arrivals[day] if day < len(arrivals) else pace
        came += arrived * taking[min(day, len(taking) - 1)]
        day += 1
    return day + math.ceil(past.respond / _DAY)
