"""One value out of one row: found, converted, and dated."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from string import Formatter
from typing import Any

from courtesy.ground.primitives.clock import EPOCH, read_time
from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.zones import time_zone
from courtesy.stages.events.ids import Id, id_text, is_exact
from courtesy.stages.events.mapping import Unit, Value

Fields = Mapping[str, Any]

_FUTURE = timedelta(days=1)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_GROUP, _FIRST = 3, range(1, 4)
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TO_THE_HOUR = ("%H", "%I", "%c", "%X")
_MICROSECONDS: Mapping[Unit, int] = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "minutes": 60_000_000,
    "hours": 3_600_000_000,
    "days": 86_400_000_000,
}


def likely(moment: datetime, now: datetime) -> bool:
    """Whether something can have happened then: since 1970, and at most a day after ``now``."""
    return EPOCH <= moment <= now + _FUTURE


def unlikely(found: str) -> str:
    """Why a time is refused that is not ``likely``; ``found`` is how it was said."""
    return f"lies in the future or before 1970; found {found}"


def stands(fields: Fields, column: str) -> bool:
    """Whether a row has this column, be it empty."""
    if column in fields:
        return True
    outer, _, inner = column.partition(".")
    below = fields.get(outer)
    return bool(inner) and isinstance(below, Mapping) and stands(below, inner)


def pick(fields: Fields, columns: list[str]) -> Any:  # noqa: ANN401 - files hold anything
    """The first of these columns that is not empty, or None."""
    return next((found for name in columns if (found := _at(fields, name)) is not None), None)


def origin(fields: Fields, value: Value) -> Any:  # noqa: ANN401 - files hold anything
    """What stands where the value comes from, as it is; None where nothing does."""
    if value.text is None:
        return pick(fields, value.columns) if value.columns else value.value
    parts = []
    for literal, name, _, _ in Formatter().parse(value.text):
        found = "" if name is None else _at(fields, name)
        if found is None:
            return None
        parts += [literal, str(found)]
    return "".join(parts)


def text_of(fields: Fields, value: Value | None) -> str | None:
    """A value as text; a whole number reads the same whether it came as 7 or 7.0."""
    found = None if value is None else origin(fields, value)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return None if found is None else str(found)


def id_of(fields: Fields, value: Value | None) -> Id:
    """A value as an id; a number that lost digits stays one, so that it is refused."""
    found = None if value is None else origin(fields, value)
    if found is None or (isinstance(found, float) and not is_exact(found)):
        return found
    if isinstance(found, Decimal) and found == found.to_integral_value():
        found = int(found)
    return id_text(found) if isinstance(found, float) else str(found)


def plain_of(fields: Fields, value: Value, place: str, *, typed: bool) -> Any:  # noqa: ANN401
    """A value as a property or trait: dated or converted where the mapping says so.

    Where the file knows only text, text that reads as a plain decimal number becomes one.

    Raises:
        InputError: it cannot be converted; names ``place``.
    """
    found = origin(fields, value)
    if found is None:
        return None
    if value.format or value.unit:
        return _dated(found, value, place)
    kind = "number" if value.decimal or value.thousands else value.type
    if kind:
        return _converted(found, value, kind, place)
    return found if typed or not value.columns else guess(found)


def guess(found: Any) -> Any:  # noqa: ANN401 - any JSON
    """A number where text reads as a plain decimal number such as 12 or -0.5, but not 007."""
    if not isinstance(found, str) or not _NUMBER.fullmatch(found):
        return found
    return float(found) if "." in found else int(found)


def moment_of(fields: Fields, value: Value, place: str) -> datetime | None:
    """A value as an instant; None where it is empty.

    Raises:
        InputError: it is not a time as the mapping has it; names ``place``.
    """
    found = origin(fields, value)
    return None if found is None else _moment(found, value, place)


def _at(fields: Fields, column: str) -> Any:  # noqa: ANN401 - files hold anything
    found = fields.get(column)
    if found is not None:
        return found
    outer, _, inner = column.partition(".")
    below = fields.get(outer)
    return _at(below, inner) if inner and isinstance(below, Mapping) else None


def _dated(found: object, value: Value, place: str) -> str:
    moment = _moment(found, value, place)
    if value.format and not any(mark in value.format for mark in _TO_THE_HOUR):
        return moment.date().isoformat()
    return moment.isoformat()


def _moment(found: object, value: Value, place: str) -> datetime:
    if isinstance(found, (int, float)) and not (value.unit or value.format):
        raise InputError(f"is a number without a unit; found {found!r:.60}", place=place)
    zone = time_zone(value.zone) if value.zone else UTC
    try:
        moment = _read_moment(found, value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = f"is not a time as the mapping has it; found {found!r:.60}"
        raise InputError(detail, place=place) from None


def _read_moment(found: object, value: Value) -> datetime:
    if isinstance(found, datetime):
        return found
    if isinstance(found, date):
        return datetime.combine(found, time())
    if value.unit:
        since = timedelta(microseconds=round(float(str(found)) * _MICROSECONDS[value.unit]))
        return value.since + since
    if value.format:
        return datetime.strptime(str(found), value.format)  # noqa: DTZ007 - zoned by its caller
    return read_time(str(found))


def _converted(found: object, value: Value, kind: str, place: str) -> object:
    if kind == "text":
        return str(found)
    try:
        return _TRUTHS[str(found).lower()] if kind == "boolean" else _number(found, value)
    except (KeyError, ValueError, OverflowError):
        raise InputError(f"is not a {kind}; found {found!r:.60}", place=place) from None


def _number(found: object, value: Value) -> int | float:
    """A finite number; whole ones are exact, however long.

    Raises:
        ValueError: it is none, or is grouped in another way than the mapping says.
    """
    text = str(found).strip()
    if isinstance(found, str):
        text = _ungrouped(text, value.decimal or ".", value.thousands)
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    number = Decimal(text)
    if not math.isfinite(float(number)):
        raise ValueError(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _ungrouped(text: str, decimal: str, thousands: str | None) -> str:
    """The number with a point and without marks between its thousands."""
    whole, point, fraction = text.partition(decimal)
    if decimal != "." and "." in fraction:
        raise ValueError(text)
    if thousands and thousands in whole:
        first, *groups = whole.split(thousands)
        if any(len(group) != _GROUP for group in groups) or len(first.lstrip("+-")) not in _FIRST:
            raise ValueError(text)
        whole = first + "".join(groups)
    if decimal != "." and "." in whole:
        raise ValueError(text)
    return f"{whole}.{fraction}" if point else whole
