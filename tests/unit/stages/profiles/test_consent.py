"""What people allow: a no is never dropped, and a yes has to be exact and newer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courtesy.ground.ledger import Ledger
from courtesy.stages.profiles import declared_consents
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.model import CONSENTS

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFERS = {"topic": "offers", "channel": "email"}
Said = tuple[str, str, int, str, bool, bool]


def call(consents: object = None, *, name: str | None = None, **fields: Any) -> pl.DataFrame:  # noqa: ANN401 - JSON
    """One event as it stands before its consents are read."""
    row = {
        "person_id": "p",
        "message_id": "m",
        "event": name,
        "occurred_at": NOON,
        "received_at": NOON,
        "source": "app",
        "properties": json.dumps(fields),
        "context": json.dumps({"consents": consents} if consents is not None else {}),
    }
    instants = {"occurred_at": CONSENTS["occurred_at"], "received_at": CONSENTS["occurred_at"]}
    return pl.DataFrame([row], schema={n: instants.get(n, pl.String()) for n in row})


def pairs(events: pl.DataFrame) -> set[tuple[str, str, bool]]:
    rows = declared_consents(events).consents.select("topic", "channel", "granted").rows()
    return {(topic, channel, granted) for topic, channel, granted in rows}


@pytest.mark.parametrize("topic", [None, 7, True, {"name": "offers"}, "", "  ", [], [None]])
def test_a_withdrawal_whose_topic_cannot_be_read_is_from_all_on_the_channel(topic: object) -> None:
    event = call(name="Consent Withdrawn", topic=topic, channel="email")
    assert pairs(event) == {("*", "email", False)}
    (notice,) = declared_consents(event).notices
    assert notice.rejection.place == "properties.topic"
    assert "all is withdrawn" in notice.rejection.reason


@pytest.mark.parametrize("channel", [None, 7, [], "emial", "carrier pigeon", ""])
def test_a_withdrawal_whose_channel_cannot_be_read_is_from_every_channel(channel: object) -> None:
    event = call([{"topic": "offers", "channel": channel, "granted": False}])
    assert pairs(event) == {("offers", "*", False)}
    assert len(declared_consents(event).notices) == 1


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"topic": ["offers", "news"], "channel": "email"}, {"offers", "news"}),
        ({"topic": "Offers", "channel": "E-Mail"}, {"offers"}),
        ({"topic": " OFFERS ", "channel": "mail"}, {"offers"}),
        ({"topic": "ｏｆｆｅｒｓ", "channel": "Email"}, {"offers"}),  # noqa: RUF001 - wide letters
        ({"topic": "all", "channel": "email"}, {"*"}),
    ],
)
def test_other_letters_and_lists_are_understood(said: dict[str, Any], meant: set[str]) -> None:
    event = call(name="Unsubscribed", **said)
    assert pairs(event) == {(topic, "email", False) for topic in meant}
    assert declared_consents(event).notices == []


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("Consent Revoked", "*"),
        ("consent_withdrawn", "*"),
        ("UNSUBSCRIBED", "*"),
        ("Email Unsubscribed", "email"),
        ("Email Marked as Spam", "email"),
        ("SMS Unsubscribed", "sms"),
    ],
)
def test_events_that_withdraw_are_known_by_several_names(name: str, channel: str) -> None:
    assert pairs(call(name=name)) == {("*", channel, False)}


@pytest.mark.parametrize("granted", [False, None, 0, "no", "false", "yes", 1, {}])
def test_only_true_grants(granted: object) -> None:
    assert pairs(call([{**OFFERS, "granted": granted}])) == {("offers", "email", False)}


def test_granted_and_withdrawn_in_one_call_is_withdrawn_in_either_order() -> None:
    both = [{**OFFERS, "granted": True}, {**OFFERS, "granted": False}]
    for order in permutations(both):
        assert pairs(call(list(order))) == {("offers", "email", False)}


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("2026-03-05T08:00:00Z", NOON),
        ("2026-03-04T17:29:00", NOON),
        ("2026-03-04T17:29:00+05:30", NOON - HOUR / 60),
        ("2026-03-03T10:00:00Z", NOON - 26 * HOUR),
        ("soon", NOON),
        (17, NOON),
    ],
)
def test_a_withdrawal_counts_from_its_receipt_at_the_latest(
    said: object, counted: datetime
) -> None:
    event = call(name="Consent Withdrawn", **OFFERS, occurred_at=said)
    assert declared_consents(event).consents["occurred_at"].to_list() == [counted]


@pytest.mark.parametrize(
    ("said", "counted", "dated"),
    [
        (None, NOON, False),
        ("soon", NOON, False),
        ("2026-03-03T10:00:00Z", NOON - 26 * HOUR, True),
        ("2026-03-03T10:00:00", NOON - 40 * HOUR, True),
        ("2027-03-03T10:00:00Z", NOON, True),
    ],
)
def test_a_listed_grant_is_dated_by_its_own_time_only(
    said: str | None, counted: datetime, *, dated: bool
) -> None:
    event = call([{**OFFERS, "granted": True, "occurred_at": said}])
    found = declared_consents(event).consents
    assert found.select("occurred_at", "dated").rows() == [(counted, dated)]


def test_the_event_of_granting_is_evidence_by_itself() -> None:
    assert declared_consents(call(name="Consent Granted", **OFFERS)).consents[
        "dated"
    ].to_list() == [True]


def test_only_our_own_links_name_an_address() -> None:
    forged = call(name="Unsubscribed", **OFFERS, address_hash="h")
    assert declared_consents(forged).consents["address_hash"].to_list() == [None]
    own = forged.with_columns(source=pl.lit("courtesy"))
    assert declared_consents(own).consents["address_hash"].to_list() == ["h"]


declarations = st.lists(
    st.tuples(
        st.sampled_from(["offers", "news", "*"]),
        st.sampled_from(["email", "sms", "*"]),
        st.integers(-3, 1),
        st.sampled_from(["a", "b", "c", "d", "e"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=7,
    unique_by=lambda one: one[:4],
)


def allowed_slowly(said: Sequence[Said]) -> set[tuple[str, str]]:
    """Who reads the rule aloud: every grant is held against every withdrawal."""
    past = [one for one in said if one[2] <= 0]
    grants = [one for one in past if one[4] and "*" not in one[:2]]
    withdrawals = [one for one in past if not one[4]]
    return {
        (topic, channel)
        for topic, channel, at, _, _, dated in grants
        if not any(
            no[0] in {topic, "*"} and no[1] in {channel, "*"} and not (dated and at > no[2])
            for no in withdrawals
        )
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # emptied each time
@given(said=declarations)
def test_the_one_answer_is_the_rule_read_aloud(ledger: Ledger, said: list[Said]) -> None:
    rows = [
        ("p", topic, channel, NOON + at * HOUR, number, granted, "x", dated, None)
        for topic, channel, at, number, granted, dated in said
        if not granted or "*" not in {topic, channel}
    ]
    people = pl.DataFrame({"person_id": ["p"]})
    with ledger.write() as transaction:
        transaction.run("DELETE FROM consents")
        transaction.run("INSERT INTO people VALUES ('p', 0) ON CONFLICT DO NOTHING")
        frame = pl.DataFrame(rows, schema=CONSENTS, orient="row")
        profiles_store.put_consents(transaction, frame)
        found = profiles_store.allowed(transaction, NOON, people)
        everybody = profiles_store.allowed(transaction, NOON)
        asked = [("Offers", "E-Mail"), ("news", "sms")]
        known = profiles_store.consents(transaction, asked, NOON, people)
    expected = allowed_slowly(said)
    assert {(topic, channel) for _, topic, channel in found.rows()} == expected
    assert found.sort(pl.all()).equals(everybody.sort(pl.all()))
    granted = {(topic, channel) for _, topic, channel, yes in known.rows() if yes}
    spelled = {("offers", "email"): ("Offers", "E-Mail"), ("news", "sms"): ("news", "sms")}
    assert granted == {spelled[pair] for pair in expected if pair in spelled}
