"""When quiet hours end, by an oracle of its own: minute by minute, in another library's zones."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courtesy.ground.primitives.zones import time_zone
from courtesy.stages.messages.gate import gate
from courtesy.stages.messages.model import Facts
from courtesy.stages.messages.policy import Policy, QuietHours

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = sorted(available_timezones() - {"Factory", "localtime"})
HOURS = [(time(22), time(2, 30)), (time(0, 15), time(1, 45)), (time(2, 59), time(2, 1))]
ODD = [
    ("Australia/Lord_Howe", "2026-04-05"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2019-02-17"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Beirut", "2023-03-26"),
    ("Africa/Monrovia", "1972-01-07"),
    ("Antarctica/Troll", "2023-03-26"),
]

Until = Callable[[str, tuple[time, time], datetime], datetime]


@pytest.fixture
def until(
    make_policy: Callable[..., Policy],
    make_intents: Callable[..., pl.DataFrame],
    make_facts: Callable[..., Facts],
) -> Until:
    """When the gate lets a message go to somebody in a zone, by quiet hours."""
    intents, ordinary = make_intents({}), make_policy()

    def asked(zone: str, hours: tuple[time, time], now: datetime) -> datetime:
        quiet = QuietHours.model_validate({"from": hours[0], "to": hours[1]})
        policy = ordinary.model_copy(update={"quiet_hours": quiet})
        (found,) = gate(intents, make_facts(zones={"ana": zone}), policy, now)["until"].to_list()
        assert isinstance(found, datetime)
        return found

    return asked


def expected(zone: str, hours: tuple[time, time], now: datetime) -> datetime:
    """The first whole minute from ``now`` on that is not quiet there."""
    minutes = pl.datetime_range(now, now + 2 * DAY, MINUTE, time_zone="UTC", eager=True)
    local = minutes.dt.convert_time_zone(zone).dt.time()
    begins, ends = hours
    if begins <= ends:
        quiet = (local >= begins) & (local < ends)
    else:
        quiet = (local >= begins) | (local < ends)
    found = minutes.filter(~quiet)[0]
    assert isinstance(found, datetime)
    return found


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        # 02:15 for the second time: the clocks went back at 01:00 UTC.
        ("Europe/Berlin", "2025-10-26T01:15", "2025-10-26T01:30"),
        ("Europe/Berlin", "2025-10-26T00:15", "2025-10-26T00:30"),
        # 02:30 does not come: it is 03:00 after 01:59.
        ("Europe/Berlin", "2026-03-29T00:15", "2026-03-29T01:00"),
        ("+02:00", "2026-03-29T00:15", "2026-03-29T00:30"),
        ("-03:30", "2026-03-29T01:45", "2026-03-29T06:00"),
    ],
)
def test_an_end_in_the_hour_of_a_change(until: Until, zone: str, now: str, end: str) -> None:
    at, then = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, end))
    assert until(zone, HOURS[0], at) == then


def test_around_every_change_of_a_year_nobody_is_held_too_long_or_not_long_enough(
    until: Until,
) -> None:
    days = [datetime(2022, 1, 1, tzinfo=UTC) + DAY * day for day in range(366)]
    seen = set()
    for zone in ZONES:
        offsets = tuple(day.astimezone(time_zone(zone)).utcoffset() for day in days[::7])
        if offsets in seen:
            continue
        seen.add(offsets)
        offsets = tuple(day.astimezone(time_zone(zone)).utcoffset() for day in days)
        changed = [
            day for day, pair in zip(days, pairwise(offsets), strict=False) if len({*pair}) > 1
        ]
        for day in changed or days[:1]:
            for hours, after in zip(HOURS, (5, 23, 14), strict=True):
                now = day + timedelta(minutes=97 * after % 1_440)
                assert until(zone, hours, now) == expected(zone, hours, now), (zone, hours, now)


@pytest.mark.parametrize(("zone", "day"), ODD)
def test_odd_changes(until: Until, zone: str, day: str) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - DAY / 2
    for hours in HOURS:
        for now in (begin + timedelta(minutes=47 * step) for step in range(46)):
            held = until(zone, hours, now)
            late = held - expected(zone, hours, now)
            assert -MINUTE < late <= timedelta(0)
            quiet = QuietHours.model_validate({"from": hours[0], "to": hours[1]})
            assert not quiet.holds(held.astimezone(time_zone(zone)).time())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it keeps no state
@given(
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2015, 1, 1), datetime(2024, 1, 1)),  # noqa: DTZ001 - hypothesis's
    begins=st.integers(0, 1_439),
    lasts=st.integers(1, 1_439),
)
def test_any_hours_at_any_time(
    until: Until, zone: str, now: datetime, begins: int, lasts: int
) -> None:
    at = now.replace(second=0, microsecond=0, tzinfo=UTC)
    ends = (begins + lasts) % 1_440
    hours = (time(begins // 60, begins % 60), time(ends // 60, ends % 60))
    assert until(zone, hours, at) == expected(zone, hours, at)
