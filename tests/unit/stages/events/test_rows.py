"""Rows of files become calls as a mapping says, or get a reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from courtesy.ground.definitions import check, read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.events import Rejection
from courtesy.stages.events.mapping import EventMapping, PersonMapping
from courtesy.stages.events.row import Row
from courtesy.stages.events.rows import Mapper

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVENTS = """
person: {user_id: person}
event: event
occurred_at: {column: time, unit: hours, since: "2018-08-01T00:00:00-04:00"}
properties:
  offer_id: [value.offer id, value.offer_id]
  amount: value.amount
"""
PEOPLE = """
person: {user_id: id}
traits:
  email: {text: "{id}@rewards.example"}
  since: {column: joined, format: "%Y%m%d"}
  timezone: {value: America/New_York}
  income: income
consents:
  - topic: offers
    channel: email
    when: {column: age, is_not: 118}
    source: form
    occurred_at: {column: joined, format: "%Y%m%d", zone: America/New_York}
"""
OFFER = {"person": "p1", "event": "offer viewed", "value": {"offer id": "o1"}, "time": 6}


def events(text: str = EVENTS) -> Mapper:
    return Mapper(check(EventMapping, read_yaml("m.yaml", text)), NOW)


def people(text: str = PEOPLE) -> Mapper:
    return Mapper(check(PersonMapping, read_yaml("m.yaml", text)), NOW)


def call(mapper: Mapper, fields: dict[str, Any], *, typed: bool = True) -> dict[str, Any]:
    found = mapper.call_of(Row(1, fields, typed=typed))
    assert isinstance(found, bytes), found
    made: dict[str, Any] = json.loads(found)
    return made


def refusal(mapper: Mapper, row: Row) -> tuple[str, str]:
    found = mapper.call_of(row)
    assert isinstance(found, Rejection)
    return found.place, found.reason


def simple(occurred_at: str) -> Mapper:
    return events(f"person: who\nevent: {{value: Seen}}\noccurred_at: {occurred_at}\n")


def test_a_row_becomes_a_track_call() -> None:
    made = call(events(), OFFER)
    assert len(made.pop("messageId")) == 32
    assert made == {
        "type": "track",
        "userId": "p1",
        "anonymousId": None,
        "event": "offer viewed",
        "timestamp": "2018-08-01T10:00:00Z",
        "properties": {"offer_id": "o1"},
    }


def test_the_first_column_that_is_there_counts() -> None:
    made = call(events(), {**OFFER, "value": {"offer_id": "o2", "amount": 1.5}})
    assert made["properties"] == {"offer_id": "o2", "amount": 1.5}


def test_a_column_named_with_dots_comes_before_the_path() -> None:
    made = call(events(), {**OFFER, "value.amount": 9, "value": {"amount": 1}})
    assert made["properties"] == {"amount": 9}


def test_equal_rows_have_equal_ids_and_others_do_not() -> None:
    backwards = dict(reversed(OFFER.items()))
    first = call(events(), OFFER)["messageId"]
    assert call(events(), backwards)["messageId"] == first
    assert call(events(), {**OFFER, "unmapped": 1})["messageId"] != first


def test_a_column_may_give_the_id() -> None:
    assert call(events(EVENTS + "message_id: key\n"), {**OFFER, "key": 7.0})["messageId"] == "7"


def test_without_a_list_every_unmapped_column_is_a_property() -> None:
    fields = {"who": 7, "at": "2026-01-01", "paid": "1.50", "zip": "01234", "note": "", "n": None}
    made = call(simple("at"), fields, typed=False)
    assert (made["userId"], made["event"]) == ("7", "Seen")
    assert made["properties"] == {"paid": 1.5, "zip": "01234"}


def test_text_of_typed_files_stays_text() -> None:
    made = call(simple("at"), {"who": "7", "at": "2026-01-01", "paid": "1.50"})
    assert made["properties"] == {"paid": "1.50"}


@pytest.mark.parametrize(
    ("spec", "found", "right"),
    [
        ("at", "2026-01-02T03:04:05.678+01:00", "2026-01-02T02:04:05.678000Z"),
        ("at", "2026-01-02 03:04", "2026-01-02T03:04:00Z"),
        ("at", datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00Z"),
        ("{column: at, zone: America/New_York}", "2026-01-02T03:00", "2026-01-02T08:00:00Z"),
        ("{column: at, unit: s}", 1_767_322_800, "2026-01-02T03:00:00Z"),
        ("{column: at, unit: ms}", "1767322800500", "2026-01-02T03:00:00.500000Z"),
        ("{column: at, unit: us}", 1_767_322_800_000_001, "2026-01-02T03:00:00.000001Z"),
        ("{column: at, format: '%d.%m.%Y %H:%M'}", "02.01.2026 03:00", "2026-01-02T03:00:00Z"),
        ("{column: at, format: '%d/%b/%Y %z'}", "02/Jan/2026 +0100", "2026-01-01T23:00:00Z"),
        ("{value: '2026-01-02'}", None, "2026-01-02T00:00:00Z"),
    ],
)
def test_times_of_many_kinds(spec: str, found: object, right: str) -> None:
    assert call(simple(spec), {"who": "p", "at": found})["timestamp"] == right


@pytest.mark.parametrize(
    ("spec", "found", "reason"),
    [
        ("at", None, "occurred_at is empty."),
        ("at", "", "occurred_at is empty."),
        ("at", "noon", "occurred_at is not a time as the mapping has it; found 'noon'."),
        ("at", 17, "occurred_at is a number without a unit; found 17."),
        (
            "{column: at, unit: s}",
            1_767_322_800_000,
            "occurred_at is not a time as the mapping has it; found 1767322800000.",
        ),
        (
            "{column: at, unit: s}",
            -1,
            "occurred_at lies in the future or before 1970; found 1969-12-31T23:59:59+00:00.",
        ),
        (
            "at",
            "2026-03-02T00:00:01Z",
            "occurred_at lies in the future or before 1970; found 2026-03-02T00:00:01+00:00.",
        ),
    ],
)
def test_times_that_cannot_be_used(spec: str, found: object, reason: str) -> None:
    assert refusal(simple(spec), Row(3, {"who": "p", "at": found})) == ("occurred_at", reason)


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"person": None}, "userId", "userId or anonymousId is required."),
        ({"person": ""}, "userId", "userId or anonymousId is required."),
        ({"event": ""}, "event", "event is required for track."),
        ({"value": {"amount": "x" * 40_000}}, "", "It is of 40,181 bytes; it may have 32,768."),
        ({"value": {"amount": "\0"}}, "", r"It holds a NUL character (\u0000)."),
    ],
)
def test_rows_that_cannot_be_used(changes: dict[str, Any], place: str, reason: str) -> None:
    assert refusal(events(), Row(3, {**OFFER, **changes})) == (place, reason)


def test_a_row_that_could_not_be_read_keeps_its_reason_and_its_text() -> None:
    found = events().call_of(Row(3, {}, "It is not UTF-8.", "abc"))
    assert found == Rejection("", "It is not UTF-8.", '"abc"')


def test_a_rejection_holds_its_row() -> None:
    found = events().call_of(Row(3, {**OFFER, "event": ""}))
    assert isinstance(found, Rejection)
    assert json.loads(found.body) == {**OFFER, "event": ""}


def test_a_person_has_traits_and_consents() -> None:
    made = call(people(), {"id": "p1", "age": 40, "joined": 20170212, "income": None})
    assert (made["type"], made["userId"], made["timestamp"]) == ("person", "p1", None)
    assert made["traits"] == {
        "email": "p1@rewards.example",
        "since": "2017-02-12",
        "timezone": "America/New_York",
    }
    assert made["context"]["consents"] == [
        {
            "topic": "offers",
            "channel": "email",
            "granted": True,
            "source": "form",
            "occurred_at": "2017-02-12T05:00:00Z",
        }
    ]


@pytest.mark.parametrize(("age", "typed"), [(118, True), ("118", False)])
def test_a_consent_stands_only_where_its_condition_holds(age: object, *, typed: bool) -> None:
    made = call(people(), {"id": "p1", "age": age, "joined": "20170212"}, typed=typed)
    assert made["context"]["consents"] == []


def test_a_condition_may_ask_for_a_value() -> None:
    mapper = people(PEOPLE.replace("is_not: 118", "is: 40"))
    granted = call(mapper, {"id": "p", "age": 40, "joined": "20170212"})["context"]["consents"]
    assert len(granted) == 1
    assert not call(mapper, {"id": "p", "age": 41, "joined": "20170212"})["context"]["consents"]


def test_values_are_converted_where_the_mapping_says_so() -> None:
    mapper = people(
        "person: id\ntraits:\n  phone: {column: p, type: text}\n"
        "  n: {column: n, type: number}\n  ok: {column: ok, type: boolean}\n"
    )
    made = call(mapper, {"id": "1", "p": "4915", "n": "1e3", "ok": "Yes"}, typed=False)
    assert made["traits"] == {"phone": "4915", "n": 1000, "ok": True}
    row = Row(1, {"id": "1", "n": "many"}, typed=False)
    assert refusal(mapper, row) == ("traits.n", "n is not a number; found 'many'.")


def test_null_values_count_as_empty() -> None:
    mapper = people("person: id\nnull_values: ['', NA]\n")
    made = call(mapper, {"id": "1", "city": "NA", "zip": "", "age": "7"}, typed=False)
    assert made["traits"] == {"age": 7}


def test_an_object_named_traits_is_opened() -> None:
    made = call(people("person: userId\n"), {"userId": "1", "traits": {"tier": "gold"}, "x": 1})
    assert made["traits"] == {"tier": "gold", "x": 1}


GRANT = {"topic": "offers", "channel": "email", "granted": True}


@pytest.mark.parametrize("found", [{"consents": [GRANT]}, json.dumps({"consents": [GRANT]})])
def test_the_context_of_a_person_is_no_trait_and_its_consents_count(found: object) -> None:
    made = call(people("person: id\n"), {"id": "1", "tier": "gold", "context": found})
    assert made["traits"] == {"tier": "gold"}
    assert made["context"] == {"consents": [GRANT]}


def test_consents_of_the_row_stand_beside_those_of_the_mapping() -> None:
    fields = {"id": "p", "age": 40, "joined": 20170212, "context": {"consents": [GRANT], "ip": 1}}
    made = call(people(), fields)["context"]
    assert made["ip"] == 1
    assert [one.get("source") for one in made["consents"]] == [None, "form"]


def test_a_mapping_may_have_another_use_for_the_context() -> None:
    within = people("person: id\ntraits: {zone: context.zone}\n")
    fields = {"id": "1", "context": {"zone": "UTC", "consents": [GRANT]}}
    made = call(within, fields)
    assert (made["traits"], made["context"]["consents"]) == ({"zone": "UTC"}, [GRANT])
    whole = people("person: id\ntraits: {context: context}\n")
    made = call(whole, fields)
    assert made["traits"] == {"context": fields["context"]}
    assert made["context"] == {"consents": []}


def test_text_named_context_is_a_trait_like_any_other() -> None:
    made = call(people("person: id\n"), {"id": "1", "context": "a fair"}, typed=False)
    assert made["traits"] == {"context": "a fair"}


def test_the_context_of_an_event_is_no_property() -> None:
    fields = {"who": "1", "at": "2026-01-01", "paid": 1, "context": {"timezone": "UTC"}}
    made = call(simple("at"), fields)
    assert (made["properties"], made["context"]) == ({"paid": 1}, {"timezone": "UTC"})


@pytest.mark.parametrize(
    ("found", "place", "reason"),
    [
        ([GRANT], "context", "context should be an object; found [{"),
        ("{broken", "context", "context is not a JSON object; found '{broken'."),
        ({"consents": "all"}, "context.consents", "consents should be a list or null; found text."),
        (
            {"consents": [GRANT, {**GRANT, "granted": "yes"}]},
            "context.consents[1].granted",
            "granted should be true or false; found text.",
        ),
    ],
)
def test_a_context_that_cannot_be_used(found: object, place: str, reason: str) -> None:
    refused = refusal(people("person: id\n"), Row(7, {"id": "1", "context": found}))
    assert refused[0] == place
    assert refused[1].startswith(reason)


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ("event: e\noccurred_at: t\n", "m.yaml:1: person", "This field is required."),
        ("person: {}\nevent: e\noccurred_at: t\n", "m.yaml:1: person", "It should name user_id"),
        (
            "person: p\nevent: e\noccurred_at: {column: t, unit: weeks}\n",
            "m.yaml:3: occurred_at.unit",
            "Input should be 'us', 'ms', 's'",
        ),
        (
            "person: p\nevent: e\noccurred_at: {column: t, zone: Mars}\n",
            "m.yaml:3: occurred_at.zone",
            "It should be a time zone such as America/New_York; found 'Mars'.",
        ),
        (
            "person: p\nevent: {column: a, value: b}\noccurred_at: t\n",
            "m.yaml:2: event",
            "It should name one of column, value and text",
        ),
        (
            "person: p\nevent: {text: '{a!r}'}\noccurred_at: t\n",
            "m.yaml:2: event",
            "Braces should hold the name of a column and nothing else",
        ),
        ("person: p\nevent: e\noccurred_at: t\nevents: x\n", "m.yaml:4: events", "There is no"),
        (
            "person: p\nevent: e\noccurred_at: t\nproperties: {a: {colum: x}}\n",
            "m.yaml:4: properties.a.colum",
            "There is no field of this name.",
        ),
    ],
)
def test_mappings_that_are_not_valid(text: str, place: str, detail: str) -> None:
    with pytest.raises(DefinitionError) as error:
        events(text)
    assert error.value.place == place
    assert error.value.detail.startswith(detail)
