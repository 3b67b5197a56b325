"""What the plan of a pilot says to do now: go on, or end and with which outcome.

It may be asked every day, because it rests on intervals that hold at any look. Each rule that ends
a pilot early is then wrong with a chance of alpha at most, for each metric of each arm, however
often it is asked:

- *harm* on a guardrail: even the end of the interval that is most in favour of the arm lies beyond
  the harm limit. Where the true harm is within the limit, the interval would have to leave it out.
- *harm* on the primary metric: it is worse, corrected for several arms (Holm).
- *futility*: the end that is most in favour lies below the smallest effect worth having, in every
  arm. Where an arm is worth having, its interval would have to leave its effect out.

- *sample ratio*: the arms do not have the shares of people that they should, under a test that
  holds at any look. Nothing can come of that; without this rule it is told at every look.

Success ends nothing: an effect that is shown early is too large, and the plan's people give its
size. Intervals for one look decide only once the planned people are there or the time is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import ALARM, AlwaysValid
from courtesy.stages.experiments import Guardrail, Pilot
from courtesy.stages.lift.limits import BROKEN, OPEN, futile, guarded
from courtesy.stages.lift.model import HIGHER, Advice, Comparison, Lift
from courtesy.stages.lift.verdict import (
    BETTER,
    NOT_SIGNIFICANT,
    UNKNOWN,
    WORSE,
    decided,
    sentence,
    verdict,
)

HARM = "harm"
FUTILITY = "futility"
SAMPLE_RATIO = "sample_ratio"
_RANKS = (BETTER, WORSE, NOT_SIGNIFICANT, UNKNOWN)


@dataclass(frozen=True)
class _Arm:
    """How one arm stands: its outcome with its reason, and guardrails that may still break."""

    primary: Comparison
    outcome: str
    said: str
    open: tuple[str, ...]

    @property
    def gain(self) -> float:
        effect = self.primary.effect or 0.0
        return effect if self.primary.better == HIGHER else -effect


def advice(lift: Lift, pilot: Pilot, planned_units: int | None, elapsed: timedelta) -> Advice:
    """What to do with a pilot now.

    Args:
        lift: its figures, with the primary metric and all guardrails.
        pilot: the plan.
        planned_units: how many the plan needs of all arms together, as the primary metric counts
            them (clusters where there are); None where only time ends it.
        elapsed: how long ago it started.

    Raises:
        DataError: the lift lacks the primary metric or a guardrail.
    """
    if lift.sample_ratio and not lift.sample_ratio.ok:
        return _unusable(lift, pilot)
    primary = _measured(lift, pilot.primary)
    units = primary[0].control_units + sum(one.arm_units for one in primary)
    full = planned_units is not None and units >= planned_units
    over = full or elapsed >= pilot.longest
    arms = [_stand(lift, pilot, one, over=over) for one in primary if over or _any_look(one)]
    if over:
        return _end(pilot, arms, "planned" if full else "longest")
    reason = _early(pilot, arms, [*primary])
    return _end(pilot, arms, reason) if reason else _go_on(arms, units, planned_units)


def _unusable(lift: Lift, pilot: Pilot) -> Advice:
    """Whoever looks often sees alarms by chance; only the one that holds at any look ends it."""
    ratio = lift.sample_ratio
    surely = ratio is not None and (ratio.sequential_p_value or 0.0) < ALARM
    said = "The arms do not have the shares of people that they should; nothing can be concluded."
    more = "End it and find out why." if surely else "Find out why."
    stops = surely and SAMPLE_RATIO in pilot.stops
    return Advice(UNKNOWN, f"{said} {more}", stops=stops, reason=SAMPLE_RATIO)


def _measured(lift: Lift, metric: str) -> tuple[Comparison, ...]:
    found = decided(lift.comparisons, metric)
    if not found:
        raise DataError(f"Its plan needs {metric!r}, which was not measured.", place=lift.name)
    return found


def _any_look(comparison: Comparison) -> bool:
    return comparison.method.startswith(AlwaysValid.name)


def _stand(lift: Lift, pilot: Pilot, primary: Comparison, *, over: bool) -> _Arm:
    states = [(one, _state(lift, primary, one, over=over)) for one in pilot.guardrails]
    broken = [guardrail.metric for guardrail, state in states if state == BROKEN]
    said = sentence(primary, lift.alpha)
    if broken:
        harm = f"{primary.arm} harms {' and '.join(broken)} by more than the plan allows."
        return _Arm(primary, WORSE, f"{harm} {said}", ())
    undecided = tuple(guardrail.metric for guardrail, state in states if state == OPEN)
    return _Arm(primary, verdict(primary, lift.alpha), said, undecided)


def _state(lift: Lift, primary: Comparison, guardrail: Guardrail, *, over: bool) -> str:
    of_arm = [one for one in _measured(lift, guardrail.metric) if one.arm == primary.arm]
    may = [one for one in of_arm if over or _any_look(one)]
    return guarded(may[0], guardrail) if may else OPEN


def _early(pilot: Pilot, arms: Sequence[_Arm], primary: Sequence[Comparison]) -> str | None:
    """Why the pilot ends before its time, if it does."""
    if HARM in pilot.stops and any(arm.outcome == WORSE for arm in arms):
        return HARM
    ruled_out = len(arms) == len(primary) and all(
        futile(arm.primary, pilot.minimal_effect) for arm in arms
    )
    return FUTILITY if FUTILITY in pilot.stops and ruled_out else None


def _end(pilot: Pilot, arms: Sequence[_Arm], reason: str) -> Advice:
    """The outcome is that of the best arm; of the harmful one where harm ends it."""
    asked = [arm for arm in arms if arm.outcome == WORSE] if reason == HARM else list(arms)
    best = min(asked, key=lambda arm: (_RANKS.index(arm.outcome), -arm.gain))
    parts = [best.said, *_more(pilot, best, reason)]
    return Advice(
        best.outcome,
        " ".join(parts),
        stops=True,
        reason=reason,
        arm=best.primary.arm,
        decision=pilot.decisions.get(best.outcome),
    )


def _more(pilot: Pilot, best: _Arm, reason: str) -> list[str]:
    found = []
    if futile(best.primary, pilot.minimal_effect) and best.outcome != WORSE:
        found.append("An effect worth having is ruled out.")
    if best.outcome == BETTER and best.open:
        found.append(f"Harm to {' and '.join(best.open)} is not ruled out.")
    if reason == "longest":
        found.append("Its time is over.")
    return found


def _go_on(arms: Sequence[_Arm], units: int, planned: int | None) -> Advice:
    """What is shown already is told; what is not shown yet is not called a result."""
    there = f"{units:,} of {planned:,} are there" if planned else f"{units:,} are there"
    shown = [arm for arm in arms if arm.outcome in {BETTER, WORSE}]
    if not shown:
        return Advice(UNKNOWN, f"Nothing is shown yet: {there}.", stops=False, reason="running")
    first = min(shown, key=lambda arm: (_RANKS.index(arm.outcome), -arm.gain))
    said = f"{first.said} The plan goes on: {there}."
    return Advice(first.outcome, said, stops=False, reason="running", arm=first.primary.arm)
