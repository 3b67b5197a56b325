"""Everything that stands on the page of one experiment, ready to be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from courtesy.doors.web.experiment.unit import Unit
from courtesy.ground.stats import AlwaysValid, holm
from courtesy.stages.lift.model import HIGHER, PROPORTION, Comparison, Lift, Look


class Tone(StrEnum):
    """What a verdict comes down to."""

    BETTER = "better"
    WORSE = "worse"
    NOT_SIGNIFICANT = "not_significant"
    STOP = "stop"
    ASSOCIATION = "association"
    EARLY = "early"


@dataclass(frozen=True)
class Verdict:
    """The one sentence that everybody reads; ``reason`` says what it rests on."""

    tone: Tone
    sentence: str
    reason: str = ""


UNJUDGED = Verdict(Tone.EARLY, "Too early to tell.")


@dataclass(frozen=True)
class Limit:
    """By how much a metric may get worse at most: ``harm``, in its own unit, above zero."""

    metric: str
    harm: float


@dataclass(frozen=True)
class Guard:
    """A guardrail in one arm.

    ``limit`` is the effect from which on it is harm, with its sign; ``state`` is ``held`` (the
    whole interval is on the good side), ``broken`` (all of it is beyond the limit) or ``open``.
    """

    comparison: Comparison
    limit: float
    state: str


@dataclass(frozen=True)
class Planned:
    """One line of the plan beside what came of it."""

    what: str
    plan: str
    fact: str


@dataclass(frozen=True)
class Learned:
    """What somebody wrote down afterwards."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Findings:
    """One experiment at one instant.

    ``primary``: the metric that decides. ``minimal_effect``: the smallest change of it that is
    worth having, in its own unit, above zero. ``state``: where it stands, such as since when it
    runs. ``decision``: what is done when it ends like this; ``ended``: whether it did.
    """

    lift: Lift
    at: datetime
    primary: str
    verdict: Verdict = UNJUDGED
    minimal_effect: float | None = None
    limits: tuple[Limit, ...] = ()
    plan: tuple[Planned, ...] = ()
    state: str = ""
    decision: str = ""
    ended: bool = False
    hypothesis: str = ""
    description: str = ""
    owner: str = ""
    learned: tuple[Learned, ...] = ()

    @property
    def word(self) -> str:
        """What a difference between the arms may be called."""
        return "effect" if self.lift.randomised else "difference"

    @property
    def sure(self) -> str:
        """How sure an interval is: ``95%``."""
        return f"{100 * (1 - self.lift.alpha):.4g}%"

    @property
    def always_valid(self) -> bool:
        """Whether the intervals hold for any number of looks."""
        return all(one.method.startswith(AlwaysValid.name) for one in self.shown)

    @property
    def shown(self) -> tuple[Comparison, ...]:
        """All metrics of all arms."""
        return self.lift.comparisons or self.lift.associations

    @property
    def deciding(self) -> tuple[Comparison, ...]:
        """The primary metric of all arms."""
        return tuple(one for one in self.shown if one.metric == self.primary)

    @property
    def sure_arms(self) -> frozenset[str]:
        """Arms that surely differ from the control on the primary metric.

        Several arms are corrected for being several (Holm): who may choose the best of many is
        fooled more easily.
        """
        known = [(one.arm, one.p_value) for one in self.deciding if one.p_value is not None]
        corrected = holm([p_value for _, p_value in known])
        pairs = zip(known, corrected, strict=True)
        return frozenset(arm for (arm, _), p_value in pairs if p_value < self.lift.alpha)

    @property
    def better(self) -> str:
        """Which way is good for the primary metric."""
        return next((one.better for one in self.deciding), HIGHER)

    @property
    def worthwhile(self) -> float | None:
        """The effect from which on it is worth having, with its sign."""
        if self.minimal_effect is None:
            return None
        return self.minimal_effect if self.better == HIGHER else -self.minimal_effect

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The guardrails of all arms."""
        found = []
        for limit in self.limits:
            of_it = (one for one in self.shown if one.metric == limit.metric)
            found += [_guard(one, limit.harm) for one in of_it]
        return tuple(found)

    @property
    def courses(self) -> Mapping[str, tuple[Look, ...]]:
        """The primary metric's effect over time, by arm; at least two days."""
        found: dict[str, list[Look]] = {}
        for look in self.lift.looks:
            if look.metric == self.primary and look.effect is not None:
                found.setdefault(look.arm, []).append(look)
        return {arm: tuple(looks) for arm, looks in found.items() if len(looks) > 1}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader has to know; that chance did not assign is what the verdict says."""
        known = (one for one in self.lift.warnings if one.name != "not_randomised")
        return tuple(one.detail for one in known)

    def unit(self, metric: str) -> Unit:
        """How the numbers of a metric are written."""
        return self._units.get(metric) or Unit()

    @cached_property
    def _units(self) -> Mapping[str, Unit]:
        metrics = dict.fromkeys(one.metric for one in self.shown)
        return {name: _unit([one for one in self.shown if one.metric == name]) for name in metrics}


def quality(low: float | None, high: float | None, better: str) -> str:
    """Whether an interval is wholly on one side of zero: ``better``, ``worse`` or ``unsure``."""
    if low is None or high is None or low <= 0 <= high:
        return "unsure"
    return "better" if (low > 0) == (better == HIGHER) else "worse"


def _guard(comparison: Comparison, harm: float) -> Guard:
    sign = -1 if comparison.better == HIGHER else 1
    limit = sign * harm
    if comparison.effect_low is None or comparison.effect_high is None:
        return Guard(comparison, limit, "open")
    near, far = sorted((sign * comparison.effect_low, sign * comparison.effect_high))
    state = "held" if far < harm else "broken" if near > harm else "open"
    return Guard(comparison, limit, state)


def _unit(comparisons: list[Comparison]) -> Unit:
    """Shares where the method says so, with as many digits as the narrowest interval is worth."""
    share = any(PROPORTION in one.method.split(", ") for one in comparisons)
    ends = [(one.effect_low, one.effect_high) for one in comparisons]
    widths = [high - low for low, high in ends if low is not None and high is not None]
    return Unit.worth(min((width for width in widths if width > 0), default=None), share=share)
