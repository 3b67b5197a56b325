"""Where events cannot be written the client is asked to come again, and loses nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.stages.events import read, store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = {"Authorization": "Bearer key", "Origin": "https://shop.example"}


@contextmanager
def opened(home: Path) -> Iterator[App]:
    make_home(home)
    app = open_app(home)
    with app.ledger.write() as transaction:
        store.add_source(transaction, "shop", "key", NOW)
    try:
        yield app
    finally:
        app.close()


def batch(number: int) -> dict[str, Any]:
    events = [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u",
            "messageId": f"{number}-{index}",
            "properties": {"note": "x" * 2_000},
        }
        for index in range(100)
    ]
    return {"batch": events}


def kept(app: App) -> int:
    with app.ledger.read() as transaction:
        return len(read(store.waiting(transaction)))


def test_a_full_disk_asks_to_come_again_and_what_was_promised_stays(
    small_disk: Path, take_all_space: Callable[[Path], Path]
) -> None:
    with opened(small_disk / "home") as app, TestClient(create_api(app)) as client:
        assert client.post("/v1/batch", json=batch(0), headers=KEY).status_code == 200
        filler = take_all_space(small_disk)
        answers = [client.post("/v1/batch", json=batch(n), headers=KEY) for n in range(1, 9)]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert refused
        for answer in refused:
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["Access-Control-Expose-Headers"].startswith("Retry-After")
            said = answer.json()
            assert (said["success"], said["error"]) == (False, "unavailable")
            assert "full" in said["message"]
        promised = 1 + len(answers) - len(refused)
        assert kept(app) == 100 * promised
        filler.unlink()
        again = [client.post("/v1/batch", json=batch(n), headers=KEY) for n in range(1, 4)]
        assert [answer.status_code for answer in again] == [200] * 3
        assert kept(app) == 100 * (promised + 3)


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[App]:
    """A home whose ledger gives up on a lock at once."""
    with opened(tmp_path) as app:
        sa.event.listen(app.ledger._engine, "connect", _give_up_at_once)
        yield app


def _give_up_at_once(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI object
    connection.execute("PRAGMA busy_timeout = 0")


def test_a_locked_ledger_asks_to_come_again(impatient: App) -> None:
    locked, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with impatient.ledger.write():
            locked.set()
            enough.wait()

    with TestClient(create_api(impatient)) as client:
        holder = threading.Thread(target=hold)
        holder.start()
        locked.wait()
        answer = client.post("/v1/batch", json=batch(1), headers=KEY)
        enough.set()
        holder.join()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "locked" in answer.json()["message"]
        assert kept(impatient) == 0
        assert client.post("/v1/batch", json=batch(1), headers=KEY).status_code == 200
        assert kept(impatient) == 100
