"""A leaf in words."""

from datetime import timedelta

from courtesy.ground.primitives.clock import spell_duration
from courtesy.ground.rules.model import (
    Comparison,
    Consented,
    Did,
    Leaf,
    Member,
    Operator,
    Scalar,
    Sequence,
    Trait,
    Where,
)


def describe(leaf: Leaf) -> str:
    """Such as ``did Order Completed, at least 2 times, within 30d, where value gt 50``."""
    if isinstance(leaf, Did):
        return ", ".join([f"did {leaf.event}", *_times(leaf), *_within(leaf.within), *_where(leaf)])
    if isinstance(leaf, Sequence):
        steps = ", then ".join(describe(step) for step in leaf.steps)
        return ", ".join([steps, *_within(leaf.within)])
    if isinstance(leaf, Trait):
        return f"trait {' and '.join(_compared(leaf.name, one) for one in leaf.comparisons)}"
    if isinstance(leaf, Member):
        return f"in {leaf.audience}"
    if isinstance(leaf, Consented):
        return f"consented to {leaf.topic} on {leaf.channel}"
    return f"reachable on {leaf.channel}"


def _times(did: Did) -> list[str]:
    if did.at_most is None:
        return [f"at least {did.at_least} times"] if did.at_least > 1 else []
    if did.at_least == did.at_most:
        return [f"exactly {did.at_most} times"]
    low = [f"at least {did.at_least} times"] if did.at_least else []
    return [*low, f"at most {did.at_most} times"]


def _within(length: timedelta | None) -> list[str]:
    return [] if length is None else [f"within {spell_duration(length)}"]


def _where(did: Did) -> list[str]:
    tests = [test for where in did.where for test in _tests(where)]
    return [f"where {' and '.join(tests)}"] if tests else []


def _tests(where: Where) -> list[str]:
    name = ".".join(where.property)
    compared = [_compared(name, one) for one in where.comparisons]
    return (
        [*compared, f"{name} same as entry {'.'.join(where.same_as)}"]
        if where.same_as
        else compared
    )


def _compared(name: str, comparison: Comparison) -> str:
    if comparison.operator is Operator.EXISTS:
        return f"{name} {'exists' if comparison.operands[0] else 'does not exist'}"
    word = comparison.operator.replace("_", " ")
    return f"{name} {word} {', '.join(map(_shown, comparison.operands))}"


def _shown(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
