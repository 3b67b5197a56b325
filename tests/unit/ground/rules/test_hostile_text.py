"""Whatever stands in a name or a value stays a name or a value."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st

from courtesy.ground.rules import compile_conditions, explain, parse

NOW = datetime(2024, 3, 10, tzinfo=UTC)
Ask = Callable[..., dict[str, dict[str, bool]]]
Tell = Callable[..., list[dict[str, Any]]]

INJECTIONS = [
    "'",
    "'; DROP TABLE given; --",
    "' OR 1 = 1 --",
    "x') OR ('1' = '1",
    '"',
    '" FROM facts; SELECT 1 AS "',
    "\\",
    "\\'",
    'a\\"',
    "/* ",
    "-- \n",
    "$$",
    "{x}",
    ":now",
    "%s",
    "?",
    "a\u2028b",
    "\x7f\x01",
    "é漢😀",
    "$[*]",
    '"]["',
    "#-1",
    "[0]",
    "**",
]
hostile = st.sampled_from(INJECTIONS) | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=8
)
names = hostile.filter(lambda text: bool(text.strip()))
properties = names.map(lambda text: text.replace(".", "").replace("*", "")).filter(
    lambda text: bool(text.strip())
)


def everything(name: str, path: str, value: str) -> dict[str, Any]:
    return {
        "all": [
            {"did": name, "where": {path: value, f"deep.{path}": {"in": [value, "other"]}}},
            {"did": name, "where": {path: {"starts_with": value, "contains": value}}},
            {"did": name, "where": {path: {"gte": value, "same_as": "entry"}}},
            {"trait": name, "is": value},
            {"in": name},
            {"reachable": name},
            {"consented": {"topic": name, "channel": name}},
        ]
    }


def world(name: str, path: str, value: str) -> dict[str, list[dict[str, Any]]]:
    inside = json.dumps({path: value, "deep": {path: value}})
    return {
        "given": [
            {"subject_id": person, "person_id": person, "entry": inside}
            for person in ("has all", "has nothing", name)
        ],
        "history": [
            {"person_id": "has all", "event": name, "occurred_at": NOW, "properties": inside},
            {"person_id": "has nothing", "event": "x", "occurred_at": NOW, "properties": "{}"},
        ],
        "traits": [{"person_id": "has all", "name": name, "value": json.dumps(value)}],
        "memberships": [{"audience": name, "person_id": "has all"}],
        "reachable": [{"person_id": "has all", "channel": name}],
        "consents": [{"person_id": "has all", "topic": name, "channel": name, "granted": True}],
    }


@given(names, properties, hostile)
@example("'", "\\", "\\")
@example('"', '"', '"')
@example("x", "a\\", "'")
@settings(max_examples=150, deadline=None)
def test_text_never_leaves_its_literal(ask: Ask, name: str, path: str, value: str) -> None:
    found = ask({name: everything(name, path, value)}, world(name, path, value), NOW)
    assert found == {
        "has all": {name: True},
        "has nothing": {name: False},
        name: {name: False},
    }


@given(names, properties, hostile)
@settings(max_examples=50, deadline=None)
def test_nor_in_an_explanation(tell: Tell, name: str, path: str, value: str) -> None:
    rows = tell(everything(name, path, value), world(name, path, value), NOW)
    assert {row["subject_id"] for row in rows if row["holds"]} == {"has all"}
    assert [row["path"] for row in rows[:7]] == [f"all[{index}]" for index in range(7)]
    assert all(json.loads(row["evidence"]) for row in rows)


@pytest.mark.parametrize("text", INJECTIONS)
def test_nor_when_carried_to_spark(text: str) -> None:
    condition = parse(everything(text, text.replace(".", "").replace("*", "") or "x", text))
    for sql in (compile_conditions({text: condition}, NOW), explain(condition, NOW)):
        (spark,) = sqlglot.transpile(
            sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE
        )
        tree = sqlglot.parse_one(spark, read="spark")
        strings = {node.name for node in tree.find_all(sqlglot.exp.Literal) if node.is_string}
        assert text in strings
        assert tree.sql("spark") == spark
