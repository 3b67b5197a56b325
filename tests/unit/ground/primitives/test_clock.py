"""Instants, durations and clocks."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.clock import (
    SystemClock,
    VirtualClock,
    duration,
    instant,
    microseconds,
    parse_instant,
)
from courtesy.ground.primitives.errors import InputError

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(
    min_value=datetime(1902, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2199, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=ZONES,
)


@given(INSTANTS)
def test_microseconds_lose_nothing(at: datetime) -> None:
    assert instant(microseconds(at)) == at
    assert instant(microseconds(at)).tzinfo is UTC


@given(INSTANTS)
def test_a_written_instant_is_read_again(at: datetime) -> None:
    assert parse_instant(at.isoformat()) == at


@given(INSTANTS, INSTANTS)
def test_microseconds_keep_the_order(one: datetime, two: datetime) -> None:
    assert (one < two) == (microseconds(one) < microseconds(two))


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31 12:00", "2026-01-31T13:00:00+01:00"]
)
def test_instants_come_in_several_spellings(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "31.01.2026", "12:00", "1e9"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="A time looks like"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_outside_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="A time looks like"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("15m", 900), ("12 h", 43_200), ("7d", 604_800), (" 2w ", 1_209_600)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@given(st.integers(0, 999_999), st.sampled_from("smhdw"))
def test_every_number_and_unit_is_a_duration(number: int, unit: str) -> None:
    assert duration(f"{number}{unit}") == number * duration(f"1{unit}")


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "-1d", "1.5h", "7d7h", "9999999d", "٣d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="A duration is"):
        duration(text)


def test_the_systems_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


@given(INSTANTS, INSTANTS)
def test_a_virtual_clock_moves_forward_only(one: datetime, two: datetime) -> None:
    clock = VirtualClock(one)
    assert clock.now() == one
    if two < one:
        with pytest.raises(InputError, match="cannot go back"):
            clock.move(two)
        assert clock.now() == one
    else:
        clock.move(two)
        assert clock.now() == two
        assert clock.now().tzinfo is UTC
