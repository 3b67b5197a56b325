"""Reading the inbox: order, identity of what is sent twice, and times of every spelling."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.stages.events import INBOX, NORMALISED, collect, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE_1970 = st.datetimes(datetime(1970, 1, 2), datetime(2026, 2, 28))  # noqa: DTZ001 - zone drawn
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


def inbox(*bodies: bytes, history: bool = False) -> pl.DataFrame:
    rows = [
        {
            "inbox_id": number,
            "source": f"source {number}",
            "received_at": NOW + timedelta(seconds=number),
            "history": history,
            "body": collect(body, "batch").body,
        }
        for number, body in enumerate(bodies)
    ]
    return pl.DataFrame(rows, schema=INBOX)


def batch(*events: Mapping[str, object], **beside: object) -> bytes:
    calls = [{"type": "track", "event": "e", "userId": "u", **event} for event in events]
    return msgspec.json.encode({"batch": calls, **beside})


def test_an_empty_inbox_gives_an_empty_frame() -> None:
    assert read(pl.DataFrame(schema=INBOX)).schema == NORMALISED
    assert read(inbox(batch())).is_empty()


def test_events_keep_their_order_and_their_batch() -> None:
    found = read(inbox(batch({"event": "a"}, {"event": "b"}), batch(), batch({"event": "c"})))
    assert found.schema == NORMALISED
    assert found["event"].to_list() == ["a", "b", "c"]
    assert found["source"].to_list() == ["source 0", "source 0", "source 2"]
    received = found["received_at"].to_list()
    assert received == [NOW, NOW, NOW + timedelta(seconds=2)]


def test_imported_events_are_marked() -> None:
    assert read(inbox(batch({}), history=True))["history"].to_list() == [True]


def test_previous_and_group_ids_count_only_in_their_own_calls() -> None:
    both = {"previousId": "p", "groupId": "g"}
    found = read(inbox(batch(*({**both, "type": kind} for kind in ("alias", "group", "track")))))
    assert found["previous_id"].to_list() == ["p", None, None]
    assert found["group_id"].to_list() == [None, "g", None]


def ids(body: bytes) -> list[str]:
    return read(inbox(body))["message_id"].to_list()


def test_a_second_try_of_events_with_a_time_is_the_same_events() -> None:
    event: dict[str, object] = {"timestamp": "2026-03-01T11:00:00Z"}
    first = ids(batch(event, sentAt="2026-03-01T11:00:01Z"))
    assert ids(batch(event, sentAt="2026-03-01T11:00:09Z")) == first


def test_events_without_a_time_are_told_apart_by_when_they_were_sent() -> None:
    first = ids(batch({}, sentAt="2026-03-01T11:00:01Z"))
    assert ids(batch({}, sentAt="2026-03-01T11:00:01Z")) == first
    assert ids(batch({}, sentAt="2026-03-01T11:00:09Z")) != first


@given(moments=st.lists(st.tuples(SINCE_1970, OFFSETS), min_size=1, max_size=5))
def test_the_time_given_is_the_time_read(moments: list[tuple[datetime, timezone]]) -> None:
    instants = [moment.replace(tzinfo=zone) for moment, zone in moments]
    found = read(inbox(batch(*[{"timestamp": instant.isoformat()} for instant in instants])))
    assert found["occurred_at"].to_list() == instants


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-03-01T10:00:00.5Z",
        "2026-03-01T10:00:00.500Z",
        "2026-03-01T10:00:00.500000123Z",
        "2026-03-01T10:00:00.5",
        "2026-03-01 10:00:00.5+00:00",
        "2026-03-01t10:00:00.5z",
        "2026-03-01T12:00:00.5+0200",
        "2026-03-01T05:00:00.5-05:00",
    ],
)
def test_times_of_every_usual_spelling(spelling: str) -> None:
    found = read(inbox(batch({"timestamp": spelling})))
    half_past = datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert found["occurred_at"].to_list() == [half_past]
