"""What is an id, and what only looks like one, in every door."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from courtesy.doors.api.flags import who_of
from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events import collect
from courtesy.stages.events.ids import NO_ID, fault_of_id, id_text

NOBODY = [
    *(
        "undefined",
        "null",
        "NULL",
        "None",
        "nan",
        "[object Object]",
        "[object Undefined]",
        "(null)",
    ),
    *(
        "'undefined'",
        "00000000-0000-0000-0000-000000000000",
        "{00000000-0000-0000-0000-000000000000}",
    ),
    *("0", "0000", "-", "   ", "{{ user_id }}", "${userId}", "8.94912E+19", "#N/A", "anonymous"),
]
SOMEBODY = [
    "u-first",
    "Na",
    "Nullmann",
    "10",
    "100",
    "0x0",
    "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
]


@pytest.mark.parametrize(
    ("given", "nobody"), [*((one, True) for one in NOBODY), *((one, False) for one in SOMEBODY)]
)
def test_what_is_no_id_is_told_alike_for_one_and_for_many(given: str, nobody: bool) -> None:  # noqa: FBT001 - a case
    assert (fault_of_id(given) is not None) == nobody
    assert pl.Series([id_text(given)]).str.contains(NO_ID).to_list() == [nobody]


def test_a_whole_number_is_its_digits_however_it_was_written() -> None:
    assert {id_text(one) for one in (55520, "55520", 55520.0, "55520.0", " 55520 ")} == {"55520"}
    assert id_text(89491234567890123451) == "89491234567890123451"
    assert id_text("007") == "007"


def test_numbers_that_lost_digits_are_refused() -> None:
    event = {"type": "track", "event": "A", "userId": "u"}
    bodies = [{**event, name: 2.0**53} for name in ("userId", "anonymousId", "messageId")]
    found = collect(json.dumps({"batch": [*bodies, event]}).encode(), "batch")
    assert found.count == 1
    assert {one.place for one in found.rejections} == {
        "batch[0].userId",
        "batch[1].anonymousId",
        "batch[2].messageId",
    }


def test_an_event_with_one_good_id_is_kept(field: Callable[[str], Path]) -> None:
    body = field("ids/batch-undefined.json").read_bytes()
    assert collect(body, "batch").count == 6
    found = collect(field("ids/batch-anonymous.json").read_bytes(), "batch")
    # z2 and z4 name a user, z6 too; the others name nobody.
    assert [one.place for one in found.rejections] == [
        "batch[0].anonymousId",
        "batch[2].anonymousId",
        "batch[4].userId",
        "batch[6].previousId",
    ]


def test_flags_are_nobodys_for_what_is_no_id() -> None:
    with pytest.raises(CallError, match="Name the person"):
        who_of(b'{"context": {"targetingKey": "undefined"}}')
    assert who_of(b'{"context": {"targetingKey": 7.0}}').user_id == "7"
