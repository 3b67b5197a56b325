"""Everything that stands on the page of one experiment, ready to be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from courtesy.doors.web.experiment.unit import Unit
from courtesy.ground.stats import AlwaysValid
from courtesy.stages.experiments import Change, Guardrail
from courtesy.stages.lift.limits import guarded
from courtesy.stages.lift.model import HIGHER, PROPORTION, Advice, Comparison, Lift, Look, Spread
from courtesy.stages.lift.verdict import decided
from courtesy.stages.lift.verdict import verdict as outcome


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
class Guard:
    """A guardrail in one arm.

    ``limit`` is the effect from which on it is harm, with its sign, None where it is relative to
    nothing; ``state`` is ``held``, ``broken`` or ``open``.
    """

    comparison: Comparison
    limit: float | None
    state: str


@dataclass(frozen=True)
class Planned:
    """One line of the plan beside what came of it; ``ok``: whether that is as planned."""

    what: str
    plan: str
    fact: str
    ok: bool | None = None


@dataclass(frozen=True)
class Learned:
    """What somebody wrote down afterwards."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Findings:
    """One experiment at one instant.

    ``primary``: the metric that decides. ``minimal_effect``: the smallest change of it that is
    worth having. ``advice``: what its plan says now, while it runs. ``state``: where it stands,
    such as since when it runs. ``decision``: what is done if it ends like this; where it has
    ``ended``, what was said then.
    """

    lift: Lift
    at: datetime
    primary: str
    verdict: Verdict = UNJUDGED
    minimal_effect: Change | None = None
    guardrails: tuple[Guardrail, ...] = ()
    advice: Advice | None = None
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
    def outcomes(self) -> Mapping[str, str]:
        """``better``, ``worse``, ``not_significant`` or ``unknown`` for each arm.

        On the primary metric, corrected for there being several arms.
        """
        if not self.lift.randomised:
            return {}
        found = decided(self.shown, self.primary)
        return {one.arm: outcome(one, self.lift.alpha) for one in found}

    @property
    def better(self) -> str:
        """Which way is good for the primary metric."""
        return next((one.better for one in self.deciding), HIGHER)

    @property
    def worthwhile(self) -> float | None:
        """The effect from which on it is worth having, with its sign, in the metric's unit."""
        if self.minimal_effect is None or not self.deciding:
            return None
        size = _absolute(self.minimal_effect, self.deciding[0])
        return size if size is None or self.better == HIGHER else -size

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The guardrails of all arms."""
        pairs = ((rail, one) for rail in self.guardrails for one in self.shown)
        return tuple(_guard(one, rail) for rail, one in pairs if one.metric == rail.metric)

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """Effects on the primary metric by segment."""
        return tuple(one for one in self.lift.spreads if one.metric == self.primary)

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

    def kind(self, arm: str) -> str:
        """The colour of an arm: ``better``, ``worse`` or ``unsure``."""
        found = self.outcomes.get(arm)
        return found if found in {Tone.BETTER, Tone.WORSE} else "unsure"

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


def _guard(comparison: Comparison, rail: Guardrail) -> Guard:
    size = _absolute(rail.harm, comparison)
    limit = -size if size is not None and comparison.better == HIGHER else size
    return Guard(comparison, limit, guarded(comparison, rail))


def _absolute(change: Change, comparison: Comparison) -> float | None:
    """The size of a change in the metric's unit; None where there is nothing to relate it to."""
    if not change.relative:
        return abs(change.size)
    base = comparison.base
    return None if base is None else abs(change.size * base)


def _unit(comparisons: list[Comparison]) -> Unit:
    """Shares or amounts, with as many digits as the narrowest interval is worth."""
    share = any(one.kind == PROPORTION for one in comparisons)
    ends = [(one.effect_low, one.effect_high) for one in comparisons]
    widths = [high - low for low, high in ends if low is not None and high is not None]
    return Unit.worth(min((width for width in widths if width > 0), default=None), share=share)
