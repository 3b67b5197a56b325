from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from typer.testing import CliRunner

from courtesy.app import make_home, open_app
from courtesy.doors.cli.main import commands
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.messages import INTENTS, VERDICTS, store

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ALIKE = (
    "e",
    "ana",
    "welcome",
    1,
    "s",
    "treated",
    ["email"],
    "offers",
    "hello",
    NOON,
    None,
    0,
    None,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path)
    app = open_app(tmp_path)
    intents = [(one, *ALIKE) for one in ("m1", "m2")]
    verdicts = [
        ("m1", "send", "email", None, NOON, None),
        ("m2", "refuse", "email", "no_consent", None, None),
    ]
    with app.ledger.write() as transaction:
        transaction.run("INSERT INTO people VALUES ('ana', 0)")
        store.queue(
            transaction,
            pl.DataFrame(intents, schema=INTENTS, orient="row"),
            pl.DataFrame(verdicts, schema=VERDICTS, orient="row"),
            NOON,
        )
        store.suppress(transaction, app.secret, "bea@x.example", "asked", NOON)
    app.close()
    return tmp_path


def told(home: Path, *words: str) -> Any:  # noqa: ANN401 - JSON
    found = CliRunner().invoke(commands, ["--home", str(home), "messages", *words, "--json"])
    assert found.exit_code == 0, found.output
    return msgspec.json.decode(found.stdout)


def test_messages_are_counted(home: Path) -> None:
    assert told(home, "count") == [
        {"state": "queued", "messages": 1},
        {"state": "refused", "messages": 1},
    ]
    assert told(home, "count", "--by", "reason") == [{"reason": "no_consent", "messages": 1}]
    assert told(home, "count", "--by", "channel") == []


def test_the_messages_of_a_person_are_listed(home: Path) -> None:
    found = told(home, "list", "--person", "ana")
    assert [(row["message_id"], row["reason"]) for row in found] == [
        ("m1", None),
        ("m2", "no_consent"),
    ]


def test_a_message_is_shown(home: Path) -> None:
    found = told(home, "show", "m1")
    assert (found["state"], found["created_at"]) == ("queued", "2026-03-04T12:00:00Z")
    assert found["receipts"] == []


def test_suppressions_are_counted_without_addresses(home: Path) -> None:
    (row,) = told(home, "suppressions")
    assert (row["channel"], row["reason"], row["addresses"]) == ("email", "asked", 1)


@pytest.mark.parametrize(
    "words", [["count"], ["list", "--person", "ana"], ["show", "m1"], ["suppressions"]]
)
def test_people_can_read_the_same(home: Path, words: list[str]) -> None:
    found = CliRunner().invoke(commands, ["--home", str(home), "messages", *words])
    assert found.exit_code == 0
    assert found.stdout.strip()


def test_what_is_not_there_is_said(home: Path) -> None:
    found = CliRunner().invoke(commands, ["--home", str(home), "messages", "show", "m9"])
    assert isinstance(found.exception, NotFoundError)
