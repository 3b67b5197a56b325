from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import win_tz

from courtesy.ground.primitives.zones import fixed_offset, read_zone, time_zone

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("America/new_york", "America/New_York"),
        (" europe/berlin ", "Europe/Berlin"),
        ("Europe/Kiev", "Europe/Kiev"),
        ("US/Eastern", "US/Eastern"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("eastern daylight time", "America/New_York"),
        ("India Standard Time", "Asia/Calcutta"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
        ("Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("Mexico City", "America/Mexico_City"),
        ("Mumbai", "Asia/Kolkata"),
        ("GMT+0000", "UTC"),
        ("Z", "UTC"),
        ("utc", "UTC"),
        ("+02:00", "+02:00"),
        ("UTC+2", "+02:00"),
        ("GMT-5", "-05:00"),
        ("UTC\u221203:30", "-03:30"),
        ("+0545", "+05:45"),
        ("GMT+0200 (Central European Summer Time)", "+02:00"),
        ("(UTC+03:00)", "+03:00"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        (3, "+03:00"),
        (-3.5, "-03:30"),
        (0, "UTC"),
        ("-7", "-07:00"),
        (-18_000, "-05:00"),
    ],
)
def test_zones_in_every_spelling(spelled: object, name: str) -> None:
    assert read_zone(spelled) == name


@pytest.mark.parametrize(
    "spelled",
    [
        *("", " ", "Mars/Base", "../x", "../../etc/passwd", "Factory", "posixrules", "CST", "IST"),
        *("UTC+15", "+25:00", "+02:75", "GMT2", "0530", "+330", "1e1", "nan", "2026-01-01"),
        *(None, True, 120, -330, 15, float("nan"), float("inf"), 1e300, {}, ["Europe/Paris"]),
        "(UTC-08:00) Baja California",
    ],
)
def test_what_is_no_zone_or_may_be_several(spelled: object) -> None:
    assert read_zone(spelled) is None


def test_every_iana_name_in_any_case_is_that_zone() -> None:
    for name in available_timezones() - {"Factory", "localtime"}:
        for spelled in (name, name.lower(), name.upper(), name.replace("_", " ")):
            assert read_zone(spelled) == name


def test_every_name_of_windows_has_the_offset_that_cldr_gives_it() -> None:
    for spelled, name in win_tz.items():
        found = read_zone(spelled)
        assert found is not None
        there = SUMMER.astimezone(time_zone(name)).utcoffset()
        assert SUMMER.astimezone(time_zone(found)).utcoffset() == there


@given(st.integers(-12 * 60, 14 * 60), st.sampled_from(["", "UTC", "GMT", "gmt "]), st.booleans())
def test_every_offset(minutes: int, word: str, colon: bool) -> None:  # noqa: FBT001 - drawn
    hours, rest = divmod(abs(minutes), 60)
    found = read_zone(f"{word}{'-' if minutes < 0 else '+'}{hours:02}{':' * colon}{rest:02}")
    assert found is not None
    assert SUMMER.astimezone(time_zone(found)).utcoffset() == timedelta(minutes=minutes)
    assert (fixed_offset(found) or timedelta(0)) == timedelta(minutes=minutes)


@given(st.text() | st.floats() | st.integers())
def test_whatever_is_read_is_a_zone(value: object) -> None:
    found = read_zone(value)
    assert found is None or SUMMER.astimezone(time_zone(found)).utcoffset() is not None
