"""Traits and consents from events; in the ledger the order of batches never matters."""

import itertools
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from courtesy.ground.ledger import Ledger
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.profiles import TRAITS, declared_consents, fold
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.identify import Identified
from courtesy.stages.profiles.model import IDENTIFIERS, MERGES, PEOPLE

START = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def event(**fields: object) -> pl.DataFrame:
    row = {
        "person_id": "p",
        "message_id": "m",
        "type": "track",
        "event": None,
        "occurred_at": START,
        "received_at": START,
        "source": "app",
        "properties": "{}",
        "context": "{}",
        "traits": None,
    } | fields
    schema = {name: INSTANT if name.endswith("_at") else pl.String for name in row}
    return pl.DataFrame([row], schema=schema)


def test_the_newest_value_of_a_trait_counts() -> None:
    late = event(traits='{"tier": "gold", "age": 5}', occurred_at=START + timedelta(days=1))
    early = event(traits='{"tier": "basic", "city": "Kyiv"}')
    found = fold(pl.concat([late, early])).select("name", "value").sort("name").rows()
    assert found == [("age", "5"), ("city", '"Kyiv"'), ("tier", '"gold"')]


def test_time_zone_and_locale_come_from_the_context_of_any_event() -> None:
    found = fold(event(context='{"timezone": "Europe/Berlin", "locale": "de-DE"}'))
    assert sorted(found.select("name", "value").rows()) == [
        ("locale", '"de-DE"'),
        ("timezone", '"Europe/Berlin"'),
    ]


@pytest.mark.parametrize("context", ['{"timezone": {"a": 1}}', '{"timezone": "a\\"b"}', "{}"])
def test_a_context_without_a_plain_zone_tells_nothing(context: str) -> None:
    assert fold(event(context=context)).is_empty()


def test_the_order_of_batches_does_not_matter(ledger: Ledger) -> None:
    days = (3, 1, 2)
    batches = [
        pl.DataFrame(
            [("p", name, f'"{day}"', START + timedelta(days=day)) for name in names],
            schema=TRAITS,
            orient="row",
        )
        for day, names in zip(days, (["a"], ["a", "b", "c"], ["a", "c"]), strict=True)
    ]
    results = set()
    for order in itertools.permutations(batches):
        with ledger.write() as transaction:
            transaction.run("DELETE FROM traits")
            for batch in order:
                profiles_store.put_traits(transaction, batch)
            rows = transaction.rows("SELECT name, value FROM traits ORDER BY name")
        results.add(tuple((row["name"], row["value"]) for row in rows))
    assert results == {(("a", '"3"'), ("b", '"1"'), ("c", '"2"'))}


def consents_of(events: pl.DataFrame) -> pl.DataFrame:
    return declared_consents(events).consents


def test_consent_is_granted_for_a_named_topic_and_channel() -> None:
    found = consents_of(
        event(
            event="Consent Granted",
            properties='{"topic": "offers", "channel": "email", "source": "sign-up form"}',
        )
    )
    assert found.select("topic", "channel", "granted", "source").rows() == [
        ("offers", "email", True, "sign-up form")
    ]


@pytest.mark.parametrize(
    "properties",
    [
        "{}",
        '{"topic": "offers"}',
        '{"topic": "*", "channel": "email"}',
        '{"topic": 1, "channel": 2}',
    ],
)
def test_a_grant_that_names_no_topic_and_channel_is_none(properties: str) -> None:
    assert consents_of(event(event="Consent Granted", properties=properties)).is_empty()


def test_unsubscribing_from_nothing_in_particular_is_from_everything() -> None:
    found = consents_of(event(event="Unsubscribed"))
    assert found.select("topic", "channel", "granted").rows() == [("*", "*", False)]


def test_a_context_lists_several_consents_with_their_own_time() -> None:
    context = (
        '{"consents": [{"topic": "offers", "channel": "email", "granted": true,'
        ' "source": "till", "occurred_at": "2025-05-05T00:00:00Z"},'
        ' {"topic": "news", "channel": "sms", "granted": "yes"}, 7]}'
    )
    found = consents_of(event(type="identify", context=context)).sort("topic")
    assert found.select("topic", "channel", "granted", "source").rows() == [
        ("news", "sms", False, "app"),
        ("offers", "email", True, "till"),
    ], "only true grants; what is not understood withdraws"
    offers = found.filter(pl.col("topic") == "offers")
    assert offers["occurred_at"].to_list() == [datetime(2025, 5, 5, tzinfo=UTC)]


def test_a_merge_carries_everything_over(ledger: Ledger) -> None:
    people = pl.DataFrame([("p", START), ("q", START)], schema=PEOPLE, orient="row")
    ids = pl.DataFrame(
        [("anonymous_id", "a", "p"), ("user_id", "u", "q")], schema=IDENTIFIERS, orient="row"
    )
    traits = pl.DataFrame(
        [
            ("p", "x", "1", START + timedelta(days=1)),
            ("q", "x", "2", START),
            ("p", "y", "3", START),
        ],
        schema=TRAITS,
        orient="row",
    )
    merges = pl.DataFrame([("p", "q")], schema=MERGES, orient="row")
    nothing = event().clear()
    with ledger.write() as transaction:
        profiles_store.put_identified(
            transaction, Identified(nothing, people, ids, merges.clear()), START
        )
        profiles_store.put_traits(transaction, traits)
        profiles_store.put_consents(transaction, consents_of(event(event="Unsubscribed")))
        found = Identified(nothing, people.clear(), ids.clear(), merges)
        profiles_store.put_identified(transaction, found, START)
        merged = profiles_store.person(transaction, "p", START)
        assert profiles_store.count(transaction) == 1
    assert merged["person_id"] == "q"
    assert merged["traits"] == {"x": 1, "y": 3}
    assert [c["granted"] for c in merged["consents"]] == [False]
    assert {i["value"] for i in merged["identifiers"]} == {"a", "u"}


def test_nobody_by_that_name_is_said_so(ledger: Ledger) -> None:
    with (
        ledger.read() as transaction,
        pytest.raises(NotFoundError, match="No person has the id 'x'"),
    ):
        profiles_store.person(transaction, "x", START)
