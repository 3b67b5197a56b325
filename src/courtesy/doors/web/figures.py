"""Numbers and times as people read them."""

from datetime import datetime, time

_MINUS = "\N{MINUS SIGN}"
_SURE = 0.001


def count(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def percent(share: float | None, digits: int = 1) -> str:
    """``12.3%``; a dash where there is none."""
    return "–" if share is None else f"{share * 100:.{digits}f}%".replace("-", _MINUS)  # noqa: RUF001 - a dash is meant


def points(share: float | None) -> str:
    """A difference of shares in percentage points, with its sign: ``+1.2``."""
    if share is None:
        return "–"  # noqa: RUF001 - a dash is meant
    rounded = round(share * 100, 1)
    return f"{rounded:+.1f}".replace("-", _MINUS) if rounded else "0"


def ticked(share: float) -> str:
    """A difference in percentage points as it stands at an axis: ``+5``."""
    return f"{round(share * 100, 6):+g}".replace("-", _MINUS) if share else "0"


def signed_percent(share: float | None) -> str:
    """A relative difference with its sign: ``+12%``."""
    return "–" if share is None else f"{share * 100:+.0f}%".replace("-", _MINUS)  # noqa: RUF001 - same


def p_value(value: float | None) -> str:
    """``0.42``; ``below 0.001`` where it is smaller."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash is meant
    return f"below {_SURE}" if value < _SURE else f"{value:.2g}"


def day(moment: datetime) -> str:
    """``Mon 2 Mar 2026``."""
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def clock(moment: datetime | time) -> str:
    """``14:05``."""
    return f"{moment:%H:%M}"
