"""Numbers and times as people read them."""

from datetime import datetime, time

NONE = "\N{EN DASH}"
_SURE = 0.001


def minus(text: str) -> str:
    """The same with true minus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def count(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def percent(share: float | None, digits: int = 1) -> str:
    """``12.3%``; a dash where there is none."""
    return NONE if share is None else minus(f"{share * 100:.{digits}f}%")


def points(share: float | None) -> str:
    """A difference of shares in percentage points, with its sign: ``+1.2``."""
    if share is None:
        return NONE
    rounded = round(share * 100, 1)
    return minus(f"{rounded:+.1f}") if rounded else "0"


def ticked(share: float) -> str:
    """A difference in percentage points as it stands at an axis: ``+5``."""
    return minus(f"{round(share * 100, 6):+g}") if share else "0"


def signed_percent(share: float | None) -> str:
    """A relative difference with its sign: ``+12%``."""
    return NONE if share is None else minus(f"{share * 100:+.0f}%")


def p_value(value: float | None) -> str:
    """``0.42``; ``below 0.001`` where it is smaller."""
    if value is None:
        return NONE
    return f"below {_SURE}" if value < _SURE else f"{value:.2g}"


def day(moment: datetime) -> str:
    """``Mon 2 Mar 2026``."""
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def clock(moment: datetime | time) -> str:
    """``14:05``."""
    return f"{moment:%H:%M}"
