"""``courtesy audiences`` on a real home."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from courtesy.app import make_home, open_app
from courtesy.doors.cli.main import commands
from courtesy.ground.definitions import store as definitions
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages import audiences
from courtesy.stages.audiences import store
from courtesy.stages.events.model import EVENTS

BUYERS = """audience: buyers
owner: ana@brand.example
description: Bought [lately]
when:
  all:
    - {did: Order Completed, within: 7d}
    - {trait: tier, is: gold}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    make_home(folder)
    app = open_app(folder)
    now = app.clock.now()
    event = dict.fromkeys(EVENTS.schema) | {
        "message_id": "m",
        "person_id": "p-ann",
        "type": "track",
        "event": "Order Completed",
        "occurred_at": now - timedelta(days=1),
        "received_at": now,
        "source": "test",
        "properties": "{}",
        "context": "{}",
    }
    frame = pl.DataFrame([event], schema=EVENTS.schema)
    app.lake.append(EVENTS, frame, writer="test", version=1)
    with app.ledger.write() as transaction:
        definitions.put(transaction, "audience", "buyers", BUYERS, now)
        for person in ("ann", "bob"):
            name = f"p-{person}"
            transaction.run("INSERT INTO people VALUES (:name, 0)", name=name)
            transaction.run(
                "INSERT INTO identifiers VALUES ('user_id', :person, :name)",
                person=person,
                name=name,
            )
            transaction.run(
                "INSERT INTO traits VALUES (:name, 'tier', :value, 0)", name=name, value='"gold"'
            )
    app.close()
    return folder


def said(home: Path, *words: str) -> str:
    found = CliRunner().invoke(commands, ["--home", str(home), "audiences", *words])
    if found.exception:
        raise found.exception
    return found.stdout


def answered(home: Path, *words: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(said(home, *words, "--json"))


def test_the_list_shows_members_as_of_the_last_refresh(home: Path) -> None:
    row = {"audience": "buyers", "owner": "ana@brand.example", "description": "Bought [lately]"}
    assert answered(home, "list") == [{**row, "members": 0}]
    refreshed(home)
    assert answered(home, "list") == [{**row, "members": 1}]
    assert "Bought [lately]" in said(home, "list")


def test_the_count_is_of_now(home: Path) -> None:
    assert answered(home, "count", "buyers") == {"audience": "buyers", "count": 1, "members": 0}
    refreshed(home)
    assert said(home, "count", "buyers") == "buyers: 1 now, 1 at the last refresh\n"


@pytest.mark.parametrize("name", ["ann", "p-ann"])
def test_an_explanation_names_every_leaf(home: Path, name: str) -> None:
    found = answered(home, "explain", "buyers", name)
    assert (found["person_id"], found["holds"], found["member_since"]) == ("p-ann", True, None)
    assert [(row["path"], row["holds"]) for row in found["leaves"]] == [
        ("all[0]", True),
        ("all[1]", True),
    ]
    assert json.loads(found["leaves"][0]["evidence"])["count"] == 1


def test_an_explanation_as_text(home: Path) -> None:
    refreshed(home)
    assert "buyers means ann (a member since" in said(home, "explain", "buyers", "ann")
    text = said(home, "explain", "buyers", "bob")
    assert "buyers does not mean bob (not a member)" in text
    assert "all[0]" in text


def test_what_is_not_there_is_named(home: Path) -> None:
    with pytest.raises(NotFoundError, match=r"'sellers'. There is: buyers"):
        said(home, "count", "sellers")
    with pytest.raises(NotFoundError, match="nobody"):
        said(home, "explain", "buyers", "nobody")


def refreshed(home: Path) -> None:
    app = open_app(home)
    with app.ledger.write() as transaction:
        found = store.in_force(transaction)
        audiences.refresh(transaction, app.engine, found, datetime.now(UTC))
    app.close()
