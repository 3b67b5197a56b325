"""Rows that are calls keep their kind, their id and their time, or get a reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from courtesy.stages.events import Rejection
from courtesy.stages.events.archive import Archive, PeopleArchive, holds_calls
from courtesy.stages.events.row import Row

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CALL: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "messageId": "m1",
    "properties": {"value": 5},
    "context": {"timezone": "Europe/Lisbon"},
    "timestamp": "2026-01-02T03:04:05.678Z",
    "originalTimestamp": "2026-01-02T03:09:05.678Z",
    "sentAt": "2026-01-02T03:09:06Z",
    "receivedAt": "2026-01-02T03:04:06Z",
    "writeKey": "secret",
    "projectId": "p",
    "integrations": {"All": True},
}
IDENTIFY = {**CALL, "type": "identify", "traits": {"tier": "gold"}}


def made(archive: Archive, fields: dict[str, Any]) -> dict[str, Any]:
    found = archive.call_of(Row(1, fields))
    assert isinstance(found, bytes), found
    call: dict[str, Any] = json.loads(found)
    return call


def refused(archive: Archive, fields: dict[str, Any]) -> tuple[str, str]:
    found = archive.call_of(Row(1, fields))
    assert isinstance(found, Rejection)
    assert json.loads(found.body) == fields
    return found.place, found.reason


def test_a_call_keeps_what_clients_say_and_nothing_that_the_server_added() -> None:
    kept = ("type", "event", "userId", "messageId", "properties", "context", "timestamp")
    assert made(Archive(NOW), CALL) == {name: CALL[name] for name in kept} | {
        "timestamp": "2026-01-02T03:04:05.678000Z"
    }


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({"timestamp": "2026-01-02T03:04:05+01:00"}, "2026-01-02T02:04:05Z"),
        ({"timestamp": "2026-01-02T03:04:05"}, "2026-01-02T03:04:05Z"),
        ({"timestamp": None}, "2026-01-02T03:04:05.678000Z"),
        ({"timestamp": None, "sentAt": None}, "2026-01-02T03:09:05.678000Z"),
        ({"timestamp": None, "originalTimestamp": None}, "2026-01-02T03:04:06Z"),
        ({"timestamp": "2026-01-04T00:00:00Z"}, "2026-01-02T03:04:06Z"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, "2026-01-02T03:04:06Z"),
    ],
)
def test_a_call_happened_when_it_says_or_when_it_came(changes: dict[str, Any], right: str) -> None:
    assert made(Archive(NOW), {**CALL, **changes})["timestamp"] == right


LOST = {"timestamp": None, "originalTimestamp": None, "receivedAt": None}


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"type": "delete"}, "type", "type should be one of identify, track, page, screen, group"),
        ({"type": "person"}, "type", "type should be one of identify, track, page, screen, group"),
        ({"event": None}, "event", "event is required for track."),
        ({"userId": ""}, "userId", "userId or anonymousId is required."),
        ({"properties": [1]}, "properties", "properties should be an object or null; found a list"),
        ({"timestamp": "noon"}, "timestamp", "timestamp should be an ISO 8601 time such as"),
        ({"receivedAt": 5}, "receivedAt", "receivedAt should be an ISO 8601 time such as"),
        (LOST, "timestamp", "timestamp is required for a call in a file."),
        (
            {**LOST, "timestamp": "2027-01-01T00:00:00Z"},
            "timestamp",
            "timestamp lies in the future or before 1970; found 2027-01-01T00:00:00+00:00.",
        ),
        ({"properties": {"x": "x" * 40_000}}, "", "It is of 40,"),
    ],
)
def test_calls_that_cannot_be_used(changes: dict[str, Any], place: str, reason: str) -> None:
    found = refused(Archive(NOW), {**CALL, **changes})
    assert found[0] == place
    assert found[1].startswith(reason)


def test_a_line_that_could_not_be_read_keeps_its_reason() -> None:
    row = Row(3, {}, "It is not UTF-8.", "abc")
    assert Archive(NOW).call_of(row) == Rejection("", "It is not UTF-8.", '"abc"')


@pytest.mark.parametrize(
    ("rows", "calls"),
    [
        ([CALL], True),
        ([CALL, {"no": 1}, IDENTIFY], True),
        ([CALL, {"no": 1}], False),
        ([{"type": "identify", "userId": "u", "traits": {}}], True),
        ([{"type": "track", "event": "e", "userId": "u", "timestamp": "t", "value": 5}], False),
        ([{"type": "premium", "userId": "u", "properties": {}}], False),
        ([{"type": {"a": 1}, "userId": "u", "properties": {}}], False),
        ([], False),
    ],
)
def test_what_an_archive_is(rows: list[dict[str, Any]], *, calls: bool) -> None:
    assert holds_calls([Row(1, fields) for fields in rows]) is calls


def test_lines_that_could_not_be_read_do_not_count() -> None:
    assert holds_calls([Row(1, {}, "It is not JSON."), Row(2, CALL), Row(3, {}, "It is not JSON.")])


def test_an_identify_call_may_tell_who_somebody_is() -> None:
    person = made(PeopleArchive(NOW), IDENTIFY)
    assert (person["type"], person["userId"]) == ("person", "u1")
    assert person["traits"] == {"tier": "gold"}
    assert person["messageId"] != "m1"  # so that the event itself can still be imported
    assert person["timestamp"] == "2026-01-02T03:04:05.678000Z"


def test_who_somebody_is_needs_no_time() -> None:
    assert made(PeopleArchive(NOW), {**IDENTIFY, **LOST, "messageId": None})["timestamp"] is None


def test_other_calls_do_not_tell_who_somebody_is() -> None:
    assert refused(PeopleArchive(NOW), CALL) == (
        "type",
        "type should be identify; found 'track' (courtesy import events takes every call).",
    )


def test_a_malformed_consent_of_a_person_is_refused() -> None:
    context = {"consents": [{"topic": "offers", "channel": "email", "granted": "yes"}]}
    assert refused(PeopleArchive(NOW), {**IDENTIFY, "context": context}) == (
        "context.consents[0].granted",
        "granted should be true or false; found text.",
    )
