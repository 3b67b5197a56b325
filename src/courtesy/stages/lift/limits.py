"""Whether an interval keeps within what a plan allows, or reaches what it hopes for."""

from courtesy.stages.experiments import Change, Guardrail
from courtesy.stages.lift.model import HIGHER, Comparison

BROKEN = "broken"
HELD = "held"
OPEN = "open"


def guarded(comparison: Comparison, guardrail: Guardrail) -> str:
    """``broken`` (harm beyond the limit is shown), ``held`` (it is ruled out) or ``open``.

    Harm is shown when even the end of the interval that is most in favour of the arm lies beyond
    the limit, so that an arm within the limit is called harmful only where the interval is wrong.
    """
    worst, best = _ends(comparison, guardrail.harm)
    limit = -abs(guardrail.harm.size)
    if best is not None and best < limit:
        return BROKEN
    return HELD if worst is not None and worst > limit else OPEN


def futile(comparison: Comparison, minimal: Change) -> bool:
    """Whether even the best that the interval allows is less than what is worth having."""
    _, best = _ends(comparison, minimal)
    return best is not None and best < abs(minimal.size)


def _ends(comparison: Comparison, change: Change) -> tuple[float | None, float | None]:
    """The worst and the best that the interval allows, in the unit of a change; up is good."""
    low, high = comparison.effect_low, comparison.effect_high
    if change.relative:
        low, high = comparison.lift_low, comparison.lift_high
    if low is None or high is None:
        return None, None
    return (low, high) if comparison.better == HIGHER else (-high, -low)
