"""The gate over ten thousand people at once, against one person at a time in plain Python."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtesy.ground.definitions import check, read_yaml
from courtesy.stages.journeys import INTENTS
from courtesy.stages.messages.gate import gate
from courtesy.stages.messages.model import (
    GRANTED,
    MAILED,
    OPTED_OUT,
    REACH,
    SPOKEN,
    ZONES,
    Facts,
)
from courtesy.stages.messages.policy import Policy

POLICY = check(
    Policy,
    read_yaml(
        "policy.yaml",
        """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Main Street
quiet_hours: {from: "21:00", to: "08:00"}
caps:
  - {channel: email, at_most: 2, within: 7d}
  - {channel: email, at_most: 1, within: 1d}
service_topics: [receipts]
""",
    ),
)
ZONE_NAMES = ("UTC", "Asia/Tokyo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", None)
Row = dict[str, Any]
Box = tuple[str, str, str, str]
Mailed = tuple[datetime, str]


def world(seed: int, people: int) -> tuple[pl.DataFrame, Facts, datetime]:
    """Random people, what is known of them and what should be said to them."""
    dice = Random(seed)  # noqa: S311 - a reproducible test, not a secret
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(365 * 24 * 60))
    names = [f"p{n}" for n in range(people)]
    intents = [row for name in names for row in _wishes(dice, name, now)]
    channels = [(name, channel) for name in names for channel in ("email", "push")]
    reach = [
        (*one, "a@x.example", f"h{dice.randrange(people)}", dice.random() < 0.1)
        for one in channels
        if dice.random() < 0.8
    ]
    zones = [(name, zone) for name in names if (zone := dice.choice(ZONE_NAMES))]
    granted = [
        (name, topic, channel)
        for name, channel in channels
        for topic in ("offers", "news")
        if dice.random() < 0.7
    ]
    spoken = [
        (
            f"old{n}",
            dice.choice(names),
            dice.choice(("email", "push")),
            dice.choice(("offers", "receipts")),
            "sent",
            now - timedelta(hours=dice.randrange(200)),
        )
        for n in range(people)
    ]
    addresses = [(channel, f"h{dice.randrange(people)}") for _, channel in channels[: people // 4]]
    opted_out = [(*one, dice.choice(("offers", "news", "receipts"))) for one in addresses]
    mailed = [
        (*one, "j", dice.choice("st"), dice.choice(names), now - timedelta(hours=n % 48), "sent")
        for n, one in enumerate(reversed(addresses))
    ]
    facts = Facts(
        pl.DataFrame(reach, schema=REACH, orient="row"),
        pl.DataFrame(zones, schema=ZONES, orient="row"),
        pl.DataFrame(granted, schema=GRANTED, orient="row"),
        pl.DataFrame(spoken, schema=SPOKEN, orient="row"),
        pl.DataFrame(opted_out, schema=OPTED_OUT, orient="row").unique(),
        pl.DataFrame(mailed, schema=MAILED, orient="row"),
    )
    return pl.DataFrame(intents, schema=INTENTS), facts, now


def _wishes(dice: Random, person: str, now: datetime) -> Iterator[Row]:
    for number in range(dice.choice((1, 1, 2, 3))):
        expires = now + timedelta(hours=dice.randrange(-2, 30)) if dice.random() < 0.3 else None
        yield {
            "message_id": f"{person}-{number}",
            "enrollment_id": "e",
            "person_id": person,
            "journey": "j",
            "version": 1,
            "step": "s",
            "arm": dice.choice(("holdout", "treated", "treated", "treated")),
            "channels": dice.choice((["email"], ["push", "email"], ["email", "push"], [])),
            "topic": dice.choice(("offers", "news", "receipts")),
            "template": "t",
            "created_at": now - timedelta(minutes=dice.randrange(3)),
            "expires_at": expires,
            "priority": dice.randrange(3),
        }


def one_by_one(  # noqa: C901, PLR0912 - the slow way, in the order of the rules
    intents: pl.DataFrame, facts: Facts, now: datetime
) -> dict[str, tuple[str, str | None]]:
    """The verdict and channel of each intent, the slow way."""
    reach = {(r["person_id"], r["channel"]): r for r in facts.reach.to_dicts()}
    zones = dict(facts.zones.rows())
    granted = set(facts.granted.rows())
    spoken: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in facts.spoken.to_dicts():
        if row["topic"] != "receipts":
            spoken[row["person_id"], row["channel"]].append(row["counted_at"])
    found: dict[str, tuple[str, str | None]] = {}
    waiting = sorted(
        intents.to_dicts(), key=lambda r: (-r["priority"], r["created_at"], r["message_id"])
    )
    opted_out = set(facts.opted_out.rows())
    mailed: dict[Box, list[Mailed]] = defaultdict(list)
    for row in facts.mailed.to_dicts():
        box = (row["channel"], row["address_hash"], row["journey"], row["step"])
        mailed[box].append((row["mailed_at"], row["mailed_to"]))
    for place in range(2):
        admitted: list[tuple[tuple[str, str], datetime]] = []
        letters: list[tuple[Box, Mailed]] = []
        mates: dict[tuple[str, str], int] = defaultdict(int)
        open_, beside = [], defaultdict(list)
        for row in waiting:
            if row["message_id"] in found or place >= len(row["channels"]):
                continue
            channel = row["channels"][place]
            reached = reach.get((row["person_id"], channel))
            until = _when(row, reached, zones.get(row["person_id"]), granted, channel, now)
            if until is None or reached is None:
                continue
            service = row["topic"] == "receipts"
            if not service and (channel, reached["address_hash"], row["topic"]) in opted_out:
                continue
            box = (channel, reached["address_hash"], row["journey"], row["step"])
            open_.append((row, channel, box, until))
            if not service:
                beside[box].append((row["created_at"], row["person_id"]))
        for row, channel, box, until in open_:
            key = (row["person_id"], channel)
            if row["topic"] != "receipts":
                letter = (row["created_at"], row["person_id"])
                earlier = [one for one in beside[box] if one < letter]
                if any(_same_intent(one, letter) for one in [*mailed[box], *earlier]):
                    continue
                if not _room(channel, spoken[key], until, mates[key]):
                    continue
                mates[key] += 1
                admitted.append((key, until))
                letters.append((box, letter))
            found[row["message_id"]] = ("hold" if until > now else "send", channel)
        for box, letter in letters:
            mailed[box].append(letter)
        for key, until in admitted:
            spoken[key].append(until)
    return found


def _same_intent(one: Mailed, other: Mailed) -> bool:
    """Whether two letters of one step to one address are for two people, within a day."""
    return one[1] != other[1] and abs(one[0] - other[0]) < timedelta(days=1)


def _when(
    row: Row, reached: Row | None, zone: str | None, granted: set[Any], channel: str, now: datetime
) -> datetime | None:
    service = row["topic"] == "receipts"
    allowed = service or (row["person_id"], row["topic"], channel) in granted
    if row["arm"] == "holdout" or reached is None or reached["suppressed"] or not allowed:
        return None
    if not service and zone is None:
        return None
    until = now if service or zone is None else _morning(now, zone)
    expires = row["expires_at"]
    return None if expires is not None and (expires <= now or until >= expires) else until


def _morning(now: datetime, zone: str) -> datetime:
    moment = now
    while (
        moment.astimezone(ZoneInfo(zone)).hour >= 21 or moment.astimezone(ZoneInfo(zone)).hour < 8
    ):
        moment += timedelta(minutes=1)
    return moment


def _room(channel: str, said: list[datetime], at: datetime, mates: int) -> bool:
    caps = [cap for cap in POLICY.caps if cap.channel == channel]
    return all(sum(when > at - cap.within for when in said) + mates < cap.at_most for cap in caps)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_many_at_once_are_judged_as_one_by_one(seed: int) -> None:
    intents, facts, now = world(seed, 60)
    verdicts = gate(intents, facts, POLICY, now)
    allowed = {
        row["message_id"]: (row["verdict"], row["channel"])
        for row in verdicts.to_dicts()
        if row["verdict"] != "refuse"
    }
    assert allowed == one_by_one(intents, facts, now)


@pytest.fixture(scope="module")
def crowd() -> tuple[pl.DataFrame, Facts, datetime, pl.DataFrame]:
    intents, facts, now = world(7, 10_000)
    verdicts = gate(intents, facts, POLICY, now).join(intents, on="message_id")
    return intents, facts, now, verdicts


Crowd = tuple[pl.DataFrame, Facts, datetime, pl.DataFrame]


def test_every_intent_has_one_verdict_in_its_order(crowd: Crowd) -> None:
    intents, facts, now, _ = crowd
    verdicts = gate(intents, facts, POLICY, now)
    assert verdicts["message_id"].to_list() == intents["message_id"].to_list()
    assert set(verdicts["verdict"]) == {"send", "hold", "refuse"}
    refused = verdicts.filter(pl.col("verdict") == "refuse")
    assert refused["reason"].null_count() == 0
    assert set(refused["reason"]) == {
        "holdout",
        "expired",
        "unreachable",
        "suppressed",
        "no_consent",
        "no_time_zone",
        "duplicate_address",
        "capped",
        "lower_priority",
    }


def test_nobody_is_spoken_to_against_their_will(crowd: Crowd) -> None:
    _, facts, _, verdicts = crowd
    allowed = verdicts.filter((pl.col("verdict") != "refuse") & (pl.col("topic") != "receipts"))
    without = allowed.join(facts.granted, on=("person_id", "topic", "channel"), how="anti")
    assert len(allowed) > 1_000
    assert without.is_empty()


def test_nobody_of_the_holdout_and_no_suppressed_address_is_spoken_to(crowd: Crowd) -> None:
    _, facts, _, verdicts = crowd
    allowed = verdicts.filter(pl.col("verdict") != "refuse")
    reached = allowed.join(facts.reach, on=("person_id", "channel"), how="left")
    assert "holdout" not in set(allowed["arm"])
    assert reached["address"].null_count() == 0
    assert not reached["suppressed"].any()


def test_nothing_of_marketing_is_planned_for_the_night(crowd: Crowd) -> None:
    _, facts, _, verdicts = crowd
    allowed = verdicts.filter((pl.col("verdict") != "refuse") & (pl.col("topic") != "receipts"))
    timed = allowed.join(facts.zones, on="person_id", how="left")
    assert timed["time_zone"].null_count() == 0
    for zone, until in timed.select("time_zone", "until").unique().iter_rows():
        assert 8 <= until.astimezone(ZoneInfo(zone)).hour < 21


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    intents, facts, now = world(seed, 500)
    shuffled = gate(intents.sample(fraction=1, shuffle=True, seed=seed), facts, POLICY, now)
    assert shuffled.sort("message_id").equals(gate(intents, facts, POLICY, now).sort("message_id"))


def test_no_cap_is_exceeded(crowd: Crowd) -> None:
    _, facts, now, verdicts = crowd
    planned = verdicts.filter((pl.col("verdict") != "refuse") & (pl.col("topic") != "receipts"))
    said = facts.spoken.filter(pl.col("topic") != "receipts")
    for cap in POLICY.caps:
        mine = planned.filter(pl.col("channel") == cap.channel)
        counted = mine.join(said, on=("person_id", "channel"), how="left").filter(
            (pl.col("counted_at") > pl.col("until") - cap.within).fill_null(value=False)
        )
        before = counted.group_by("message_id").len("before")
        total = (
            mine.join(before, on="message_id", how="left")
            .group_by("person_id")
            .agg(pl.col("before").fill_null(0).max() + pl.len())
        )
        assert total["before"].max() == cap.at_most
        assert now
