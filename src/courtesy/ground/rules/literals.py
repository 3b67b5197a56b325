"""Names and values as they stand in a statement, so that nothing in them can be taken for SQL."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from courtesy.ground.rules.model import Scalar


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text; DuckDB knows no escape in it but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Iterable[str]) -> str:
    """Texts in a list for IN."""
    return f"({', '.join(literal(text) for text in texts)})"


def double(value: Scalar) -> str:
    """A number as a DOUBLE; without an exponent it would be a DECIMAL."""
    shown = repr(float(value))
    return shown if "e" in shown else f"{shown}e0"


def timestamp(moment: datetime) -> str:
    """An instant, in UTC."""
    shown = moment.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
    return f"CAST('{shown}' AS TIMESTAMPTZ)"


def interval(length: timedelta) -> str:
    """A length of time in seconds, which no time zone can stretch."""
    return f"INTERVAL '{int(length.total_seconds())}' SECOND"


def json_path(parts: Iterable[str], end: str = "") -> str:
    """The JSON path of a property inside properties; with ``[*]`` at its end, of its items."""
    escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return literal("$" + "".join(f'."{part}"' for part in escaped) + end)
