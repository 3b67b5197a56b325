"""A ledger and a lake with people in them, and the engine that reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.ledger import Ledger, Transaction
from courtesy.stages.events.model import EVENTS

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Home:
    """What a home holds, and how a test puts things into it."""

    ledger: Ledger
    lake: Lake
    engine: DuckDBEngine

    def people(self, transaction: Transaction, *names: str) -> None:
        _insert(transaction, "people", [(name, 0) for name in names])

    def traits(self, transaction: Transaction, person: str, **traits: object) -> None:
        rows = [
            (person, name, msgspec.json.encode(value).decode(), 0) for name, value in traits.items()
        ]
        _insert(transaction, "traits", rows)

    def merges(self, transaction: Transaction, merges: Mapping[str, str]) -> None:
        _insert(transaction, "merges", [(*pair, 0) for pair in merges.items()])

    def consents(
        self, transaction: Transaction, *rows: tuple[str, str, str, datetime, int]
    ) -> None:
        declared = [
            (person, topic, channel, at, f"m{number}", granted, "test", 1)
            for number, (person, topic, channel, at, granted) in enumerate(rows)
        ]
        _insert(transaction, "consents", declared)

    def events(self, *rows: tuple[str, str, datetime] | tuple[str, str, datetime, object]) -> None:
        version = self.lake.version(EVENTS, "test") + 1
        events = [_event(f"{version}-{number}", *row) for number, row in enumerate(rows)]
        frame = pl.DataFrame(events, schema=EVENTS.schema)
        self.lake.append(EVENTS, frame, writer="test", version=version)


def _event(
    message_id: str, person: str, name: str, at: datetime, properties: object = None
) -> dict[str, Any]:
    return dict.fromkeys(EVENTS.schema) | {
        "message_id": message_id,
        "person_id": person,
        "type": "track",
        "event": name,
        "occurred_at": at,
        "received_at": at,
        "source": "test",
        "properties": msgspec.json.encode(properties or {}).decode(),
        "context": "{}",
    }


def _insert(transaction: Transaction, table: str, rows: Sequence[Row]) -> None:
    for row in rows:
        values = {f"v{index}": value for index, value in enumerate(row)}
        marks = ", ".join(f":{name}" for name in values)
        transaction.run(f"INSERT INTO {table} VALUES ({marks})", **values)  # noqa: S608 - a test's own table


@pytest.fixture
def home(ledger: Ledger, tmp_path: Path) -> Home:
    lake = Lake(tmp_path / "lake")
    return Home(ledger, lake, DuckDBEngine(lake, threads=1))


@pytest.fixture
def given() -> Callable[..., pl.DataFrame]:
    """``BEGUN`` rows: each person the subject of itself, or (subject, person, since, entry)."""
    schema: dict[str, Any] = {
        "subject_id": pl.String,
        "person_id": pl.String,
        "since": pl.Datetime("us", "UTC"),
        "entry": pl.String,
        "entry_event_id": pl.String,
        "until": pl.Datetime("us", "UTC"),
    }

    def rows(*asked: str | Row) -> pl.DataFrame:
        known = [(one, one, None, None) if isinstance(one, str) else one for one in asked]
        full = [(*one, None, None) for one in known]
        return pl.DataFrame(full, schema=schema, orient="row")

    return rows
