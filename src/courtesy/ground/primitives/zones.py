"""The one reader of time zones, as people's devices, browsers, servers and spreadsheets spell them.

In: whatever stands for a zone. Out: an IANA name, or an offset such as ``+05:30``.
"""

import re
from collections.abc import Mapping
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

UTC_NAME = "UTC"
_NO_ZONES = {"Factory", "localtime"}
_CONTINENTS = (
    *("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/"),
    *("Australia/", "Europe/", "Indian/", "Pacific/"),
)
# Names of Ruby on Rails that are no city of the IANA database (ActiveSupport::TimeZone, 8.1).
_RAILS: Mapping[str, str] = MappingProxyType(
    {
        "Abu Dhabi": "Asia/Muscat",
        "Alaska": "America/Juneau",
        "American Samoa": "Pacific/Pago_Pago",
        "Arizona": "America/Phoenix",
        "Atlantic Time (Canada)": "America/Halifax",
        "Beijing": "Asia/Shanghai",
        "Bern": "Europe/Zurich",
        "Brasilia": "America/Sao_Paulo",
        "Canberra": "Australia/Sydney",
        "Cape Verde Is.": "Atlantic/Cape_Verde",
        "Central America": "America/Guatemala",
        "Central Time (US & Canada)": "America/Chicago",
        "Chatham Is.": "Pacific/Chatham",
        "Chennai": "Asia/Kolkata",
        "Eastern Time (US & Canada)": "America/New_York",
        "Edinburgh": "Europe/London",
        "Ekaterinburg": "Asia/Yekaterinburg",
        "Greenland": "America/Nuuk",
        "Guadalajara": "America/Mexico_City",
        "Hanoi": "Asia/Bangkok",
        "Hawaii": "Pacific/Honolulu",
        "Indiana (East)": "America/Indiana/Indianapolis",
        "International Date Line West": "Pacific/Midway",
        "Islamabad": "Asia/Karachi",
        "Marshall Is.": "Pacific/Majuro",
        "Midway Island": "Pacific/Midway",
        "Mountain Time (US & Canada)": "America/Denver",
        "Mumbai": "Asia/Kolkata",
        "New Caledonia": "Pacific/Noumea",
        "New Delhi": "Asia/Kolkata",
        "Newfoundland": "America/St_Johns",
        "Nuku'alofa": "Pacific/Tongatapu",
        "Osaka": "Asia/Tokyo",
        "Pacific Time (US & Canada)": "America/Los_Angeles",
        "Pretoria": "Africa/Johannesburg",
        "Quito": "America/Guayaquil",
        "Sapporo": "Asia/Tokyo",
        "Saskatchewan": "America/Regina",
        "Solomon Is.": "Pacific/Guadalcanal",
        "Sri Jayawardenepura": "Asia/Colombo",
        "St. Petersburg": "Europe/Moscow",
        "Tokelau Is.": "Pacific/Fakaofo",
        "Wellington": "Pacific/Auckland",
        "West Central Africa": "Africa/Algiers",
    }
)
_OFFSET = re.compile(
    r"(?:gmt|utc|z)? ?(?P<sign>[+\u2212-]) ?"
    r"(?:(?P<hour>\d)(?::(?P<past>[0-5]\d))?|(?P<hours>\d\d)(?::?(?P<minutes>[0-5]\d))?)"
    r"(?: \(.*\))?",  # a browser's Date writes the season's name behind it
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,6})?", re.ASCII)
_SHOWN = re.compile(r"\((?:gmt|utc)([+\u2212-]\d\d:\d\d)?\) *(.*)", re.IGNORECASE)
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)
_MOST_HOURS = 14
_SECONDS_FROM = 3_600
_FIXED = re.compile(r"([+-])(\d\d):(\d\d)")


def read_zone(value: object) -> str | None:
    """The zone that a value spells; None where none is known.

    Read are IANA names and aliases in any case, cities of them, names of Windows (CLDR,
    windowsZones) and of Ruby on Rails, offsets such as ``GMT+0000``, ``+02:00`` and ``UTC+2``
    (east is positive), and numbers: hours, or seconds from 3,600 on. A fixed offset knows no
    summer time. Abbreviations that mean several zones, such as CST, are not read.

    Returns:
        An IANA name, or ``+hh:mm`` or ``-hh:mm``; see ``time_zone``.
    """
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    return None


@lru_cache
def time_zone(name: str) -> tzinfo:
    """The zone of a name that ``read_zone`` returned."""
    offset = fixed_offset(name)
    return ZoneInfo(name) if offset is None else timezone(offset)


def fixed_offset(name: str) -> timedelta | None:
    """What is always added to UTC in a zone that is a mere offset; None for other zones."""
    found = _FIXED.fullmatch(name)
    if not found:
        return None
    size = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -size if found[1] == "-" else size


@lru_cache(maxsize=4_096)
def _read(text: str) -> str | None:
    spelled = " ".join(text.split())
    named = _names().get(_key(spelled)) or _of_offset(spelled)
    if named:
        return named
    shown = _SHOWN.fullmatch(spelled)
    if not shown:
        return None
    places = (_names().get(_key(place.strip())) for place in (shown[2], *shown[2].split(",")))
    return next(filter(None, places), None) or (None if shown[2] else _of_offset(shown[1] or "+0"))


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Every known name by its key; what is exact comes before what is a habit elsewhere."""
    from tzlocal.windows_tz import win_tz  # noqa: PLC0415 - slow to load, and seldom needed

    known = sorted(available_timezones() - _NO_ZONES)
    cities: dict[str, set[str]] = {}
    for name in known:
        if name.startswith(_CONTINENTS):
            cities.setdefault(_key(name.rpartition("/")[2]), set()).add(name)
    alone = {city: names.pop() for city, names in cities.items() if len(names) == 1}
    windows = {
        _key(spelled): name
        for standard, name in win_tz.items()
        for spelled in (standard, standard.replace("Standard", "Daylight"))
    }
    rails = {_key(spelled): name for spelled, name in _RAILS.items()}
    exact = {_key(name): name for name in known}
    return {"z": UTC_NAME, **alone, **rails, **windows, **exact}


def _key(name: str) -> str:
    return name.casefold().replace(" ", "_")


def _of_offset(text: str) -> str | None:
    found = _OFFSET.fullmatch(text)
    if not found:
        return _of_number(float(text)) if _NUMBER.fullmatch(text) else None
    hours, minutes = found["hour"] or found["hours"], found["past"] or found["minutes"] or 0
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return _fixed(size if found["sign"] == "+" else -size)


def _of_number(number: float) -> str | None:
    if abs(number) <= _MOST_HOURS:
        return _fixed(timedelta(hours=number))
    if _SECONDS_FROM <= abs(number) <= _EAST.total_seconds():
        return _fixed(timedelta(seconds=number))
    return None


def _fixed(offset: timedelta) -> str | None:
    minutes, rest = divmod(abs(offset), timedelta(minutes=1))
    if rest or not _WEST <= offset <= _EAST:
        return None
    sign = "-" if offset < timedelta(0) else "+"
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}" if minutes else UTC_NAME
