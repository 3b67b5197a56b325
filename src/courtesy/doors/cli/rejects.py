"""Why rows were refused, and when so many are that an import failed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from courtesy.ground.primitives.errors import InputError

_SHOWN = 3
_HALF = "50%"
_LIMIT = re.compile(r"(\d{1,12})(%?)", re.ASCII)
_varying = re.compile(r"; found .*|\d+", re.DOTALL)


@dataclass
class Reason:
    """One reason, as it was given first, on which line, and how often."""

    reason: str
    line: int
    count: int = 0


class Reasons:
    """Counts why rows were refused; reasons that differ in what was found alone are one."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Reason] = {}

    def add(self, reason: str, line: int) -> None:
        """Count one row."""
        kind = _varying.sub("", reason)
        self._by_kind.setdefault(kind, Reason(reason, line)).count += 1

    def first(self) -> list[Reason]:
        """The first three."""
        return list(self._by_kind.values())[:_SHOWN]


def too_many(rejected: int, read: int, limit: str = _HALF) -> bool:
    """Whether more rows were refused than ``limit`` allows: a number, or a share such as ``5%``.

    Raises:
        InputError: the limit is neither.
    """
    found = _LIMIT.fullmatch(limit.strip())
    if not found:
        raise InputError(
            f"It should be a number or a share such as 5%; found {limit!r:.40}.",
            place="--max-rejects",
        )
    allowed = int(found[1]) * read / 100 if found[2] else int(found[1])
    return rejected > allowed


def sentences(reasons: Sequence[Reason]) -> list[str]:
    """The reasons for the terminal."""
    return [f"{one.count:,} rejected, first on line {one.line}: {one.reason}" for one in reasons]
