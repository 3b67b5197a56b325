"""Limits of a call, and that nothing a client sends can do worse than be refused."""

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events import INBOX, Collected, collect, read
from courtesy.stages.events.calls import Call
from courtesy.stages.events.model import BATCH_BYTES, BATCH_EVENTS, DEEPEST

CALLS = ["identify", "track", "page", "screen", "group", "alias", "batch"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from([*Call.__struct_encode_fields__, "sentAt", "batch"])
LIKELY: st.SearchStrategy[object] = st.sampled_from(
    ["track", "u1", "2026-01-01T00:00:00Z", "alias", "", None, {}, 7]
)
EVENT = st.dictionaries(FIELDS, LIKELY | JSON, max_size=8)


def track(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"type": "track", "event": "Signed Up", "userId": "u1", **fields}


def sent(*events: object) -> bytes:
    return json.dumps({"batch": events}).encode()


def test_an_event_of_33_kb_is_refused_and_the_rest_of_its_batch_kept() -> None:
    large = track(properties={"text": "x" * 33 * 1024})
    found = collect(sent(track(), large, track(userId="u2")), "batch")
    assert found.count == 2
    assert [one.place for one in found.rejections] == ["batch[1]"]
    size = len(json.dumps(large))
    assert found.rejections[0].reason == f"It is of {size:,} bytes; it may have 32,768."
    assert json.loads(found.rejections[0].body) == large


def test_a_single_call_of_33_kb_is_refused() -> None:
    body = json.dumps(track(properties={"text": "x" * 33 * 1024})).encode()
    with pytest.raises(CallError) as refusal:
        collect(body, "track")
    assert refusal.value.detail == f"It is of {len(body):,} bytes; it may have 32,768."


def test_a_batch_over_500_kb_is_refused() -> None:
    body = sent(*[track(properties={"text": "x" * 30_000})] * 18)
    assert len(body) > BATCH_BYTES
    with pytest.raises(CallError) as refusal:
        collect(body, "batch")
    assert refusal.value.detail == f"It is of {len(body):,} bytes; it may have 512,000."


def test_a_batch_of_2500_events_is_taken_and_one_more_refused() -> None:
    assert collect(sent(*[track()] * BATCH_EVENTS), "batch").count == BATCH_EVENTS
    with pytest.raises(CallError) as refusal:
        collect(sent(*[track()] * (BATCH_EVENTS + 1)), "batch")
    assert refusal.value.place == "batch"
    assert refusal.value.detail == "It holds 2,501 events; it may have 2,500."


def test_invalid_utf_8_is_refused_with_its_place() -> None:
    with pytest.raises(CallError) as refusal:
        collect(b'{"event": "a",\n "userId": "\xff"}', "track")
    assert (refusal.value.place, refusal.value.detail) == ("line 2, column 13", "It is not UTF-8.")


def inbox(collected: Collected) -> pl.DataFrame:
    row = (1, "shop", datetime(2026, 3, 1, tzinfo=UTC), False, collected.body)
    return pl.DataFrame([row], schema=INBOX, orient="row")


def nested(depth: int) -> str:
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def event_with(properties: str) -> bytes:
    return b'{"event":"e","userId":"u","properties":%b}' % properties.encode()


def test_nesting_is_taken_up_to_a_depth_and_then_refused() -> None:
    assert collect(event_with(nested(DEEPEST - 1)), "track").count == 1
    with pytest.raises(CallError) as refusal:
        collect(event_with(nested(DEEPEST)), "track")
    assert refusal.value.detail == "It is nested more than 64 levels deep."


@pytest.mark.parametrize("unit", ['{"a":', "["])
def test_nesting_without_end_is_refused(unit: str) -> None:
    with pytest.raises(CallError) as refusal:
        collect(event_with(unit * 5_000), "track")
    assert refusal.value.detail == "Its JSON is nested too deeply."


def test_the_write_key_is_not_kept() -> None:
    single = json.dumps(track(writeKey="secret")).encode()
    batch = json.dumps({"batch": [track()], "writeKey": "secret"}).encode()
    assert b"secret" not in collect(single, "track").body
    assert b"secret" not in collect(batch, "batch").body


def test_what_is_kept_can_be_collected_again() -> None:
    once = collect(sent(track(), track(context={"locale": "en"})), "batch")
    assert collect(once.body, "batch") == once


@given(body=st.binary(max_size=200), call=st.sampled_from(CALLS))
def test_arbitrary_bytes_are_refused_and_nothing_worse(body: bytes, call: str) -> None:
    with pytest.raises(CallError):
        collect(body, call)


@given(body=JSON | EVENT, call=st.sampled_from(CALLS))
def test_arbitrary_json_is_refused_or_can_be_read(body: object, call: str) -> None:
    try:
        found = collect(json.dumps(body).encode(), call)
    except CallError:
        return
    assert len(read(inbox(found))) == found.count


@given(events=st.lists(EVENT | JSON, max_size=6))
def test_every_event_sent_is_either_kept_or_rejected(events: list[object]) -> None:
    try:
        found = collect(sent(*events, track()), "batch")
    except CallError:
        json_has_no_such_number = "Infinity" in json.dumps(events) or "NaN" in json.dumps(events)
        assert json_has_no_such_number
        return
    assert found.count + len(found.rejections) == len(events) + 1
    assert len(read(inbox(found))) == found.count
