"""Each file of ``calls`` is a call as a client sends it, and what becomes of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events import INBOX, Collected, collect, read

CASES = sorted((Path(__file__).parent / "calls").glob("*.json"))
RECEIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOWN = ("message_id", "type", "event", "user_id", "anonymous_id", "previous_id", "group_id")
TEXTS = ("properties", "context", "traits")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_becomes_of_a_call(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    given = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    if "refused" in case:
        with pytest.raises(CallError) as refusal:
            collect(given.encode(), case["call"])
        found = {"place": refusal.value.place, "message": refusal.value.message}
        assert found == case["refused"]
        return
    collected = collect(given.encode(), case["call"])
    assert [_event(row) for row in _read(collected)] == case["events"]
    assert collected.count == len(case["events"])
    rejected = [{"place": one.place, "reason": one.reason} for one in collected.rejections]
    assert rejected == case.get("rejected", [])


def _read(collected: Collected) -> list[dict[str, Any]]:
    row = {
        "inbox_id": 1,
        "source": "shop",
        "received_at": RECEIVED,
        "history": False,
        "body": collected.body,
    }
    return read(pl.DataFrame([row], schema=INBOX)).to_dicts()


def _event(row: dict[str, Any]) -> dict[str, Any]:
    assert (row["source"], row["received_at"], row["history"]) == ("shop", RECEIVED, False)
    plain = {name: row[name] for name in SHOWN if row[name] is not None}
    opened = {name: json.loads(row[name]) for name in TEXTS if row[name] not in {None, "{}"}}
    return {**plain, "occurred_at": row["occurred_at"].isoformat(), **opened}
