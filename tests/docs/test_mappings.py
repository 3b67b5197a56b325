"""Every mapping that the documentation shows is one, and what it says of rows holds."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from courtesy.ground.definitions import check, read_yaml
from courtesy.stages.events.fit import standard_mapping
from courtesy.stages.events.mapping import EventMapping, PersonMapping
from courtesy.stages.events.row import Row
from courtesy.stages.events.rows import Mapper

PAGE = Path(__file__).resolve().parents[2] / "docs" / "imports.md"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_every_mapping_on_the_page_is_valid() -> None:
    events, people = blocks("yaml")
    fields = {"customer": 7, "action": "Bought", "at": "02.01.2026 03:00", "amount": "5"}
    assert isinstance(
        Mapper(check(EventMapping, read_yaml("m", events)), NOW).call_of(Row(1, fields)), bytes
    )
    named = check(PersonMapping, read_yaml("m", people))
    row = Row(1, {"id": "c1", "joined": "2026-01-05", "newsletter": "yes"}, typed=False)
    call = Mapper(named, NOW).call_of(row)
    assert isinstance(call, bytes)
    assert json.loads(call)["context"]["consents"][0]["granted"] is True


def test_the_person_on_the_page_grants() -> None:
    [text] = blocks("json")
    row = Row(1, json.loads(text))
    call = Mapper(standard_mapping(PersonMapping, [row], "people.jsonl"), NOW).call_of(row)
    assert isinstance(call, bytes)
    made = json.loads(call)
    assert made["traits"] == {"tier": "gold"}
    assert [one["topic"] for one in made["context"]["consents"]] == ["offers"]
