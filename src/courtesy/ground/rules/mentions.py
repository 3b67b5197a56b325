"""What a condition speaks of, so that no more than that needs to be looked up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from courtesy.ground.rules.model import (
    AllOf,
    AnyOf,
    Condition,
    Consented,
    Did,
    Leaf,
    Member,
    Not,
    Path,
    Reachable,
    Sequence,
    Trait,
)

Names = frozenset[str]


@dataclass(frozen=True)
class Mentions:
    """The names in a condition; ``entry`` is whether it looks at a journey's first event."""

    events: Names = frozenset()
    audiences: Names = frozenset()
    channels: Names = frozenset()
    traits: Names = frozenset()
    topics: Names = frozenset()
    entry: bool = False


def leaves(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Every leaf with its path, in the order in which they are written."""
    if isinstance(condition, AllOf | AnyOf):
        word = "all" if isinstance(condition, AllOf) else "any"
        for index, part in enumerate(condition.parts):
            yield from leaves(part, (*path, word, index))
    elif isinstance(condition, Not):
        yield from leaves(condition.part, (*path, "not"))
    else:
        yield path, condition


def mentions(condition: Condition) -> Mentions:
    """What the condition speaks of."""
    found = [leaf for _, leaf in leaves(condition)]
    dids = [did for leaf in found for did in _dids(leaf)]
    return Mentions(
        events=frozenset(did.event for did in dids),
        audiences=frozenset(leaf.audience for leaf in found if isinstance(leaf, Member)),
        channels=frozenset(
            leaf.channel for leaf in found if isinstance(leaf, Consented | Reachable)
        ),
        traits=frozenset(leaf.name for leaf in found if isinstance(leaf, Trait)),
        topics=frozenset(leaf.topic for leaf in found if isinstance(leaf, Consented)),
        entry=any(where.same_as for did in dids for where in did.where),
    )


def _dids(leaf: Leaf) -> tuple[Did, ...]:
    if isinstance(leaf, Sequence):
        return leaf.steps
    return (leaf,) if isinstance(leaf, Did) else ()


def lookback(conditions: Iterable[Condition]) -> timedelta | None:
    """The longest window of the conditions; None where one of them looks at all that ever was."""
    found = [leaf for condition in conditions for _, leaf in leaves(condition)]
    windows = [leaf.within for leaf in found if isinstance(leaf, Did | Sequence)]
    bounded = [window for window in windows if window is not None]
    return max(bounded) if bounded and len(bounded) == len(windows) else None
