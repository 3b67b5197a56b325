"""Statements run on the real engine, over relations given as plain rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.rules import compile_conditions, explain, parse

_INSTANT = pl.Datetime("us", "UTC")
_RELATIONS: dict[str, dict[str, Any]] = {
    "given": {
        "subject_id": pl.String,
        "person_id": pl.String,
        "since": _INSTANT,
        "entry": pl.String,
        "entry_event_id": pl.String,
        "until": _INSTANT,
    },
    "history": {
        "person_id": pl.String,
        "event": pl.String,
        "occurred_at": _INSTANT,
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

World = Mapping[str, Sequence[Mapping[str, Any]]]
Run = Callable[[str, World], list[dict[str, Any]]]
Ask = Callable[..., dict[str, dict[str, bool]]]
Tell = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a statement over relations; those that are not given are empty."""
    folder: Path = tmp_path_factory.mktemp("lake")
    engine = DuckDBEngine(Lake(folder), threads=1)

    def statement(sql: str, world: World) -> list[dict[str, Any]]:
        frames = {
            name: pl.DataFrame(world.get(name, []), schema=schema)
            for name, schema in _RELATIONS.items()
        }
        return engine.query(sql, frames=frames).to_dicts()

    return statement


@pytest.fixture(scope="session")
def ask(run: Run) -> Ask:
    """Each condition's truth for each subject: subject → name of the condition → truth."""

    def truths(
        conditions: Mapping[str, object], world: World, now: datetime, **how: bool
    ) -> dict[str, dict[str, bool]]:
        parsed = {name: parse(data) for name, data in conditions.items()}
        rows = run(compile_conditions(parsed, now, **how), world)  # type: ignore[arg-type]  # the switches
        return {row["subject_id"]: {name: row[name] for name in conditions} for row in rows}

    return truths


@pytest.fixture(scope="session")
def tell(run: Run) -> Tell:
    """The rows of an explanation."""

    def rows(condition: object, world: World, now: datetime, **how: bool) -> list[dict[str, Any]]:
        return run(explain(parse(condition), now, **how), world)  # type: ignore[arg-type]  # the switches

    return rows
