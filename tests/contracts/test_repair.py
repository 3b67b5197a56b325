"""Both ledgers find a lake that is not theirs, and learn again what it holds."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from courtesy.app import App, Settings, make_home, open_app, open_parts
from courtesy.flow import absorb, repair
from courtesy.ground.ledger import Ledger
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import HomeError, PairError
from courtesy.stages.events import EVENTS, Accepted, collect
from courtesy.stages.events import store as events_store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SENT = {
    "message_id": "m1",
    "journey": "welcome",
    "step": "0",
    "template": "hello",
    "topic": "offers",
    "channel": "email",
    "cost": 0,
}


@pytest.fixture
def settings(url: str) -> Settings:
    return Settings(ledger_url=SecretStr(url))


@pytest.fixture
def app(tmp_path: Path, settings: Settings) -> Iterator[App]:
    make_home(tmp_path / "home", settings)
    opened = open_app(tmp_path / "home", clock=VirtualClock(NOW), settings=settings)
    yield opened
    opened.close()


def accept(app: App, name: str) -> None:
    who: dict[str, object] = {"userId": name, "type": "identify", "messageId": f"i-{name}"}
    who |= {"traits": {"tier": "gold"}}
    sent: dict[str, object] = {
        "userId": name,
        "event": "Email Sent",
        "type": "track",
        "messageId": name,
    }
    sent |= {"properties": SENT | {"message_id": f"m-{name}"}}
    body = json.dumps({"batch": [who, sent]}).encode()
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("courtesy", NOW, collect(body, "batch"))])
    absorb(app)


def test_a_lake_that_lacks_events_is_found(app: App, settings: Settings) -> None:
    accept(app, "a")
    shutil.rmtree(app.lake.folder / "events")
    with pytest.raises(PairError, match="lacks events"):
        open_app(app.home, settings=settings)
    afresh = open_parts(app.home, clock=app.clock, settings=settings)
    found = repair(afresh)
    afresh.close()
    assert {one.what: one.count for one in found.found}["Ids that are not in the lake"] == 2


def test_a_new_ledger_learns_from_the_lake(
    app: App, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    accept(app, "a")
    accept(app, "b")
    other = f"sqlite:///{tmp_path / 'new.db'}"
    if app.ledger.url.startswith("postgresql"):
        other = request.getfixturevalue("new_postgresql")()
    settings = Settings(ledger_url=SecretStr(other))
    make_home(app.home, settings)
    with pytest.raises(PairError, match="belongs to another ledger"):
        open_app(app.home, settings=settings)
    again = open_parts(app.home, clock=app.clock, settings=settings)
    counts = {one.what: one.count for one in repair(again).found}
    assert counts["Events that the ledger lacks"] == 4
    assert counts["Sends that the ledger lacks"] == 2
    accept(again, "a")
    accept(again, "c")
    found = again.engine.query("SELECT message_id FROM events", tables=[EVENTS], frames={})
    assert sorted(found["message_id"]) == ["a", "b", "c", "i-a", "i-b", "i-c"]
    with again.ledger.read() as transaction:
        rows = transaction.rows("SELECT message_id, state FROM messages ORDER BY message_id")
        assert rows == [{"message_id": f"m-{name}", "state": "sent"} for name in "ab"]
        assert transaction.scalar("SELECT count(*) FROM traits WHERE value = '\"gold\"'") == 3
    again.close()


def test_postgresql_says_how_it_is_kept(new_postgresql: object) -> None:
    assert callable(new_postgresql)
    ledger = Ledger(new_postgresql())
    with pytest.raises(HomeError, match="pg_dump"), ledger.snapshot():
        pass
    ledger.close()
