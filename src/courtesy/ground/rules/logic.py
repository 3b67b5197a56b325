"""What can be said of conditions without looking at anybody: never too much, sometimes too little.

Each answer is sound: it is given only where it holds for all people and all histories.
"""

from collections.abc import Sequence as Several
from datetime import timedelta

from courtesy.ground.rules.model import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Did,
    Not,
    Operator,
    Sequence,
    Trait,
)

_ABOVE = (Operator.GT, Operator.GTE)
_BELOW = (Operator.LT, Operator.LTE)
_STRICT = (Operator.GT, Operator.LT)


def implies(first: Condition, then: Condition) -> bool:  # noqa: PLR0911 - a rule for each kind
    """Whether ``then`` holds for everybody for whom ``first`` does."""
    if first == then:
        return True
    if isinstance(then, AllOf):
        return all(implies(first, part) for part in then.parts)
    if isinstance(first, AnyOf):
        return all(implies(part, then) for part in first.parts)
    if isinstance(first, AllOf) and any(implies(part, then) for part in first.parts):
        return True
    if isinstance(then, AnyOf):
        return any(implies(first, part) for part in then.parts)
    if isinstance(first, Not) and isinstance(then, Not):
        return implies(then.part, first.part)
    if isinstance(first, Did) and isinstance(then, Did):
        return _did_implies(first, then)
    if isinstance(first, Trait) and isinstance(then, Trait):
        return first.name == then.name and {*then.comparisons} <= {*first.comparisons}
    return False


def is_never(condition: Condition) -> bool:  # noqa: PLR0911 - one for each kind
    """Whether a condition holds for nobody."""
    if isinstance(condition, AnyOf):
        return all(map(is_never, condition.parts))
    if isinstance(condition, Not):
        return is_always(condition.part)
    if isinstance(condition, Did):
        return condition.at_least > 0 and any(_contradict(w.comparisons) for w in condition.where)
    if isinstance(condition, Sequence):
        return any(map(is_never, condition.steps))
    if isinstance(condition, Trait):
        return _contradict(condition.comparisons)
    if isinstance(condition, AllOf):
        return any(map(is_never, condition.parts)) or _exclude_each_other(condition.parts)
    return False


def is_always(condition: Condition) -> bool:
    """Whether a condition holds for everybody."""
    if isinstance(condition, AllOf):
        return all(map(is_always, condition.parts))
    if isinstance(condition, Not):
        return is_never(condition.part)
    if isinstance(condition, AnyOf):
        denied = tuple(Not(part) for part in condition.parts)
        return any(map(is_always, condition.parts)) or _exclude_each_other(denied)
    return isinstance(condition, Did) and not condition.at_least and condition.at_most is None


def holds_before_any_event(condition: Condition) -> bool | None:
    """Whether a condition holds for somebody who did nothing; None where that is not known."""
    if isinstance(condition, Did):
        return not condition.at_least
    if isinstance(condition, Sequence):
        return False
    if isinstance(condition, Not):
        part = holds_before_any_event(condition.part)
        return None if part is None else not part
    if isinstance(condition, AllOf | AnyOf):
        decisive = isinstance(condition, AnyOf)
        found = [holds_before_any_event(part) for part in condition.parts]
        if decisive in found:
            return decisive
        return None if None in found else not decisive
    return None


def _did_implies(first: Did, then: Did) -> bool:
    if first.event != then.event:
        return False
    if then.at_most is not None:
        same = (first.within, first.where) == (then.within, then.where)
        fewer = first.at_most is not None and first.at_most <= then.at_most
        return same and fewer and first.at_least >= then.at_least
    longest = timedelta.max
    narrower = (first.within or longest) <= (then.within or longest)
    return narrower and first.at_least >= then.at_least and {*then.where} <= {*first.where}


def _exclude_each_other(parts: Several[Condition]) -> bool:
    """Whether all parts together hold for nobody: one denies what another says."""
    denied = [part.part for part in parts if isinstance(part, Not)]
    if any(implies(AllOf(tuple(parts)), one) for one in denied):
        return True
    traits: dict[str, tuple[Comparison, ...]] = {}
    for part in parts:
        if isinstance(part, Trait):
            traits[part.name] = (*traits.get(part.name, ()), *part.comparisons)
    return any(map(_contradict, traits.values()))


def _contradict(comparisons: Several[Comparison]) -> bool:
    """Whether no value meets all comparisons; only values of one kind are held together."""
    equal = {(type(c.operands[0]), c.operands[0]) for c in comparisons if c.operator is Operator.IS}
    if len({kind for kind, _ in equal}) == 1 and len(equal) > 1:
        return True
    others = {
        (type(c.operands[0]), c.operands[0]) for c in comparisons if c.operator is Operator.IS_NOT
    }
    return bool(equal & others) or _is_empty_range(comparisons)


def _is_empty_range(comparisons: Several[Comparison]) -> bool:
    low = [c for c in comparisons if c.operator in _ABOVE and _is_number(c)]
    high = [c for c in comparisons if c.operator in _BELOW and _is_number(c)]
    return any(
        above.operands[0] > below.operands[0]  # type: ignore[operator]  # both are numbers
        or (
            above.operands == below.operands
            and (above.operator in _STRICT or below.operator in _STRICT)
        )
        for above in low
        for below in high
    )


def _is_number(comparison: Comparison) -> bool:
    value = comparison.operands[0]
    return isinstance(value, int | float) and not isinstance(value, bool)
