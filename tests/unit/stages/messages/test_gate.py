from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from courtesy.stages.messages.gate import gate
from courtesy.stages.messages.model import VERDICTS, Facts
from courtesy.stages.messages.policy import Policy

MakePolicy = Callable[..., Policy]
Make = Callable[..., Any]
QUIET = 'quiet_hours: {from: "21:00", to: "08:00"}\n'
DAY = timedelta(days=1)


def said(verdicts: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return verdicts.select(*(columns or ("verdict", "reason"))).rows()


def test_a_permitted_intent_is_sent_now(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    verdicts = gate(make_intents({}), make_facts(), make_policy(), noon)
    assert verdicts.schema == VERDICTS
    assert verdicts.rows() == [("m0", "send", "email", None, noon, "hash-ana")]


def test_no_intents_no_verdicts(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    verdicts = gate(make_intents(), make_facts([]), make_policy(QUIET), noon)
    assert verdicts.schema == VERDICTS
    assert verdicts.is_empty()


@pytest.mark.parametrize(
    ("intent", "known", "reason"),
    [
        ({"arm": "holdout"}, {}, "holdout"),
        ({"arm": "holdout"}, {"people": []}, "holdout"),
        ({"expires_at": datetime(2026, 3, 4, 12, tzinfo=UTC)}, {}, "expired"),
        ({}, {"people": []}, "unreachable"),
        ({"channels": []}, {}, "unreachable"),
        ({"channels": ["pigeon"]}, {}, "unreachable"),
        ({}, {"suppressed": ["ana"]}, "suppressed"),
        ({}, {"granted": []}, "no_consent"),
        ({"topic": "news"}, {}, "no_consent"),
        ({}, {"granted": [("ana", "offers", "sms")]}, "no_consent"),
        ({}, {"granted": [("bea", "offers", "email")]}, "no_consent"),
    ],
)
def test_every_no_has_its_reason(
    make_policy: MakePolicy,
    make_intents: Make,
    make_facts: Make,
    noon: datetime,
    intent: dict[str, Any],
    known: dict[str, Any],
    reason: str,
) -> None:
    verdicts = gate(make_intents(intent), make_facts(**known), make_policy(), noon)
    assert said(verdicts, "verdict", "reason", "until") == [("refuse", reason, None)]


def test_the_gate_that_was_reached_last_is_told(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    intents = make_intents({"channels": ["push", "email"]}, {"channels": ["email", "push"]})
    verdicts = gate(intents, make_facts(granted=[]), make_policy(), noon)
    assert said(verdicts, "channel", "reason") == [("email", "no_consent")] * 2


def test_the_first_allowed_channel_is_taken(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    facts: Facts = make_facts()
    both = Facts(
        pl.concat([facts.reach, facts.reach.with_columns(channel=pl.lit("push"))]),
        facts.zones,
        pl.concat([facts.granted, facts.granted.with_columns(channel=pl.lit("push"))]),
        facts.spoken,
    )
    intents = make_intents({"channels": ["push", "email"]}, {"channels": ["email", "push"]})
    assert said(gate(intents, both, make_policy(), noon), "channel") == [("push",), ("email",)]


def test_quiet_hours_hold_until_the_morning_of_the_person(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    facts = make_facts(zones={"ana": "Asia/Tokyo"})
    verdicts = gate(make_intents({}), facts, make_policy(QUIET), noon)
    morning = datetime(2026, 3, 5, 8, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert said(verdicts, "verdict", "reason", "until") == [("hold", "quiet_hours", morning)]


def test_what_would_expire_in_the_night_is_refused(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    morning = datetime(2026, 3, 5, 8, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC)
    intents = make_intents(
        {"expires_at": morning}, {"expires_at": morning + timedelta(microseconds=1)}
    )
    verdicts = gate(intents, make_facts(zones={"ana": "Asia/Tokyo"}), make_policy(QUIET), noon)
    assert said(verdicts) == [("refuse", "expired"), ("hold", "quiet_hours")]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ("send", None)),
        (QUIET, ("refuse", "no_time_zone")),
        (QUIET + "default_time_zone: UTC\n", ("send", None)),
        (QUIET + "default_time_zone: Asia/Tokyo\n", ("hold", "quiet_hours")),
    ],
)
def test_without_a_known_zone_it_may_be_night(
    make_policy: MakePolicy,
    make_intents: Make,
    make_facts: Make,
    noon: datetime,
    more: str,
    expected: tuple[str, str | None],
) -> None:
    verdicts = gate(make_intents({}), make_facts(zones={}), make_policy(more), noon)
    assert said(verdicts) == [expected]


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        # Clocks go forward at 02:00 on 8 March 2026: the night has one hour less.
        ("America/New_York", "2026-03-08T05:00", "2026-03-08T12:00"),
        # Clocks go back at 02:00 on 1 November 2026: the night has one hour more.
        ("America/New_York", "2026-11-01T04:00", "2026-11-01T13:00"),
        ("Asia/Kolkata", "2026-03-04T16:00", "2026-03-05T02:30"),
        ("Pacific/Kiritimati", "2026-03-04T10:00", "2026-03-04T18:00"),
    ],
)
def test_the_morning_comes_by_the_clock_on_the_wall(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, zone: str, now: str, end: str
) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    verdicts = gate(make_intents({}), make_facts(zones={"ana": zone}), make_policy(QUIET), at)
    assert said(verdicts, "until") == [(datetime.fromisoformat(end).replace(tzinfo=UTC),)]


def test_quiet_hours_may_lie_within_one_day(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    policy = make_policy('quiet_hours: {from: "11:30", to: "12:30"}\n')
    verdicts = gate(make_intents({}), make_facts(), policy, noon)
    assert said(verdicts, "verdict", "until") == [("hold", noon + timedelta(minutes=30))]


def test_caps_count_what_was_said_within_the_window(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    policy = make_policy("caps: [{channel: email, at_most: 2, within: 7d}]\n")
    at_edge = make_facts(spoken=[("ana", noon - 7 * DAY), ("ana", noon - DAY)])
    within = make_facts(spoken=[("ana", noon - 6 * DAY), ("ana", noon - DAY), ("bea", noon)])
    assert said(gate(make_intents({}), at_edge, policy, noon)) == [("send", None)]
    assert said(gate(make_intents({}), within, policy, noon)) == [("refuse", "capped")]


def test_who_loses_to_a_message_of_the_same_moment_is_told_so(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    policy = make_policy("caps: [{channel: email, at_most: 2, within: 7d}]\n")
    intents = make_intents(
        {"priority": 1}, {"priority": 9}, {"priority": 1, "created_at": noon - DAY}
    )
    verdicts = gate(intents, make_facts(), policy, noon)
    assert said(verdicts) == [("refuse", "lower_priority"), ("send", None), ("send", None)]


def test_every_cap_holds(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    caps = "[{channel: email, at_most: 9, within: 7d}, {channel: email, at_most: 1, within: 1d}]"
    verdicts = gate(make_intents({}, {}), make_facts(), make_policy(f"caps: {caps}\n"), noon)
    assert said(verdicts) == [("send", None), ("refuse", "lower_priority")]


def test_caps_look_from_the_hour_in_which_a_held_message_will_go(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    policy = make_policy(QUIET + "caps: [{channel: email, at_most: 1, within: 1d}]\n")
    facts = make_facts(zones={"ana": "Asia/Tokyo"}, spoken=[("ana", noon - timedelta(hours=20))])
    assert said(gate(make_intents({}), facts, policy, noon)) == [("hold", "quiet_hours")]


def test_service_messages_need_no_consent_and_no_daylight_and_take_no_slot(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    more = "service_topics: [receipts]\ncaps: [{channel: email, at_most: 1, within: 1d}]\n"
    intents = make_intents({"topic": "receipts"}, {}, {"topic": "receipts"})
    verdicts = gate(intents, make_facts(), make_policy(more), noon)
    assert said(verdicts) == [("send", None)] * 3
    night = gate(intents, make_facts(granted=[], zones={}), make_policy(QUIET + more), noon)
    assert said(night) == [("send", None), ("refuse", "no_consent"), ("send", None)]


def test_service_messages_are_not_sent_to_suppressed_addresses(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    policy = make_policy("service_topics: [receipts]\n")
    verdicts = gate(
        make_intents({"topic": "receipts"}), make_facts(suppressed=["ana"]), policy, noon
    )
    assert said(verdicts) == [("refuse", "suppressed")]


def test_a_capped_channel_gives_way_to_the_next(
    make_policy: MakePolicy, make_intents: Make, make_facts: Make, noon: datetime
) -> None:
    facts: Facts = make_facts(spoken=[("ana", noon - DAY)])
    push = facts.reach.with_columns(channel=pl.lit("push"))
    both = Facts(
        pl.concat([facts.reach, push]),
        facts.zones,
        pl.concat([facts.granted, facts.granted.with_columns(channel=pl.lit("push"))]),
        facts.spoken,
    )
    policy = make_policy("caps: [{channel: email, at_most: 1, within: 7d}]\n")
    verdicts = gate(make_intents({"channels": ["email", "push"]}), both, policy, noon)
    assert said(verdicts, "verdict", "channel") == [("send", "push")]
