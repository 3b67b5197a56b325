"""Time as an argument: the same code runs live, replays history and simulates the future.

Instants are ``datetime`` with UTC; in frames they are ``Datetime("us", "UTC")`` and in the ledger
whole microseconds since 1970.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from courtesy.ground.primitives.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"^\s*(\d{1,6})\s*([smhdw])\s*$", re.ASCII)


_TIME = re.compile(
    r"\d{4}(-?)\d\d\1\d\d(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_LEAP = ":60"


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant that the clock was last moved to."""
        return self._now

    def move(self, to: datetime) -> None:
        """Move forward to ``to``.

        Raises:
            InputError: ``to`` lies before the present instant.
        """
        if to < self._now:
            raise InputError(f"The clock stands at {self._now} and cannot go back to {to}.")
        self._now = to.astimezone(UTC)


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 of an instant with a zone."""
    return (instant - EPOCH) // MICROSECOND


def instant(micros: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def ceiling(instant: datetime, step: timedelta) -> datetime:
    """The first multiple of ``step`` since 1970 that is not before an instant."""
    return EPOCH - ((EPOCH - instant) // step) * step


def duration(text: str) -> timedelta:
    """The length of ``30s``, ``15m``, ``12h``, ``7d`` or ``2w``.

    Raises:
        InputError: the text is not a whole number and one of those units.
    """
    found = _DURATION.match(text)
    if not found:
        raise InputError(
            f"A duration is a number and s, m, h, d or w, such as 7d; found {text[:60]!r}."
        )
    return int(found[1]) * _UNITS[found[2]]


def read_time(text: str) -> datetime:
    """A date, or date and time, as every door reads it; without a zone where it says none.

    RFC 3339, and what else clients send: a blank for T, no seconds, a comma before the fraction,
    the basic form of ISO 8601, offsets such as +0200 and +02. What is finer than a microsecond is
    cut off; a leap second is the first of the next minute.

    Raises:
        ValueError: it is none of these.
    """
    said = text.strip().upper()
    if not _TIME.fullmatch(said):
        raise ValueError(text)
    if said[16:19] != _LEAP:
        return datetime.fromisoformat(said)
    return datetime.fromisoformat(f"{said[:16]}:59{said[19:]}") + timedelta(seconds=1)


def spell_duration(length: timedelta) -> str:
    """Such as ``7d``, ``36h`` or ``90s``: what ``duration`` reads, in the largest whole unit."""
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_instant(text: str) -> datetime:
    """The instant of an ISO 8601 text; without a zone it is taken as UTC.

    Raises:
        InputError: the text is not a date and time.
    """
    try:
        parsed = read_time(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"A time looks like 2026-01-31T12:00:00Z; found {text[:60]!r}.") from None
