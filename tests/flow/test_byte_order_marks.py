"""A byte order mark before a text is no part of it, at whatever door it comes in."""

from collections.abc import Callable
from pathlib import Path

from courtesy.doors.api.flags import who_of
from courtesy.ground.definitions import read_yaml
from courtesy.stages.events import collect
from courtesy.stages.events.files import chunks
from courtesy.workspace.folder import read

MARK = "\ufeff"


def test_definitions_templates_and_policy(field: Callable[[str], Path]) -> None:
    found = read(field("bom/template"))
    assert {one.kind for one in found} >= {"template", "journey", "policy"}
    assert not any(MARK in one.body for one in found)
    assert read_yaml("a.yaml", MARK + "a: 1").data == {"a": 1}


def test_files_and_bodies(field: Callable[[str], Path]) -> None:
    first = next(iter(chunks(field("bom/bom.jsonl")))).rows[0]
    assert first.fields == {"userId": "1", "email": "x@y.example"}
    body = (MARK + '{"userId": "u"}').encode()
    assert collect(body, "identify").count == 1
    assert who_of((MARK + '{"context": {"targetingKey": "u"}}').encode()).user_id == "u"
