"""Conditions with people and whom they mean, one case in each JSON file; the file's name is the id.

A case holds ``now``, ``condition``, ``anchored``, the ``data`` and the ``expected`` ids. Instead of
``given`` rows (subject, person, since, entry, entry event, until) it may list ``people``.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlglot

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.primitives.clock import parse_instant
from courtesy.ground.rules import compile_conditions, explain, parse

CASES = sorted(Path(__file__).parent.glob("*.json"))
INSTANT = pl.Datetime("us", "UTC")
RELATIONS: dict[str, dict[str, Any]] = {
    "given": {
        "subject_id": pl.String,
        "person_id": pl.String,
        "since": INSTANT,
        "entry": pl.String,
        "entry_event_id": pl.String,
        "until": INSTANT,
    },
    "history": {
        "person_id": pl.String,
        "event": pl.String,
        "occurred_at": INSTANT,
        "properties": pl.String,
        "message_id": pl.String,
    },
    "traits": {"person_id": pl.String, "name": pl.String, "value": pl.String},
    "consents": {
        "person_id": pl.String,
        "topic": pl.String,
        "channel": pl.String,
        "granted": pl.Boolean,
    },
    "memberships": {"audience": pl.String, "person_id": pl.String},
    "reachable": {"person_id": pl.String, "channel": pl.String},
}


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DuckDBEngine:
    return DuckDBEngine(Lake(tmp_path_factory.mktemp("lake")))


def frames_of(data: dict[str, Any]) -> dict[str, pl.DataFrame]:
    people = [[person, person, None, None] for person in data.get("people", [])]
    rows = {name: data.get(name, []) for name in RELATIONS} | {"given": data.get("given", people)}
    return {
        name: pl.DataFrame(
            [
                tuple(map(stored, columns, padded(row, len(columns)), [name] * len(columns)))
                for row in rows[name]
            ],
            schema=columns,
            orient="row",
        )
        for name, columns in RELATIONS.items()
    }


def padded(row: list[Any], width: int) -> list[Any]:
    """A row that ends early has nulls behind."""
    return [*row, *[None] * (width - len(row))]


def stored(column: str, value: Any, relation: str) -> object:  # noqa: ANN401 - JSON
    if column in {"since", "occurred_at", "until"}:
        return parse_instant(value) if value else None
    if column == "properties" or (relation, column) == ("traits", "value"):
        return json.dumps(value)
    return json.dumps(value) if column == "entry" and value is not None else value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_whom_a_condition_means(path: Path, engine: DuckDBEngine) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    now, condition = parse_instant(case["now"]), parse(case["condition"])
    frames = frames_of(case["data"])
    sql = compile_conditions({"means": condition}, now, anchored=case["anchored"])
    found = engine.query(sql, frames=frames)
    assert len(found) == len(frames["given"])
    assert sorted(found.filter(pl.col("means"))["subject_id"]) == case["expected"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_same_statement_is_spark_sql(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    now, condition = parse_instant(case["now"]), parse(case["condition"])
    for sql in (
        compile_conditions({"means": condition}, now, anchored=case["anchored"]),
        explain(condition, now, anchored=case["anchored"]),
    ):
        (spark,) = sqlglot.transpile(
            sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE
        )
        again = sqlglot.parse_one(spark, read="spark").sql("spark")
        assert again == spark
