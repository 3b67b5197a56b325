"""Numbers as they are written, and times that every door reads alike."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from courtesy.ground.primitives.errors import InputError
from courtesy.stages.events import INBOX, collect, read
from courtesy.stages.events.archive import Archive
from courtesy.stages.events.mapping import Value
from courtesy.stages.events.model import Rejection
from courtesy.stages.events.row import Row
from courtesy.stages.events.values import plain_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def number(text: str, **said: object) -> object:
    value = Value.model_validate({"column": "a", "type": "number", **said})
    return plain_of({"a": text}, value, "a", typed=False)


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "1_000", "٣٤", "20,50", "", "0x1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        number(text)


def test_numbers_are_exact_and_have_the_marks_of_the_mapping() -> None:
    assert number("9007199254740993") == 9007199254740993
    assert number("20,50", decimal=",") == 20.5
    assert number("1.234.567,25", decimal=",", thousands=".") == 1234567.25
    with pytest.raises(InputError):
        number("20.50", decimal=",", thousands=".")
    with pytest.raises(InputError):
        number("20.50", decimal=",")


def test_both_doors_read_every_form_alike(field: Callable[[str], Path]) -> None:
    live = json.loads(field("numbers/times-live.json").read_bytes())["batch"]
    lines = field("numbers/times-file.jsonl").read_text().splitlines()
    for call, line in zip(live, lines, strict=True):
        assert _filed(json.loads(line)) == _collected(call), call["timestamp"]


def test_forms_that_clients_send() -> None:
    at = datetime(2021, 10, 16, 16, 0, 27, tzinfo=UTC)
    forms = ["2021-10-16T18:00:27+02", "2021-10-16 16:00:27Z", "20211016T160027Z"]
    forms += ["2021-10-16t16:00:27z", " 2021-10-16T16:00:27.000Z "]
    call = {"type": "track", "event": "A", "userId": "u"}
    assert {_collected({**call, "timestamp": form}) for form in forms} == {at}
    assert _collected({**call, "timestamp": 1634400027}) is None


def _collected(call: dict[str, object]) -> datetime | None:
    kept = {"type": "track", "event": "A", "userId": "other"}
    found = collect(json.dumps({"batch": [call, kept]}).encode(), "batch")
    if found.count == 1:
        return None
    row = {"inbox_id": 1, "source": "s", "received_at": NOW, "history": False, "body": found.body}
    at = read(pl.DataFrame([row], schema=INBOX))["occurred_at"][0]
    return None if at == NOW else at  # who cannot be believed came when it was received


def _filed(call: dict[str, object]) -> datetime | None:
    made = Archive(NOW).call_of(Row(1, call))
    if isinstance(made, Rejection):
        return None
    return datetime.fromisoformat(json.loads(made)["timestamp"])
