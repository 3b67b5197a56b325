"""A real client delivers 10,000 events to a server that is killed meanwhile: each counts once."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client

EVENTS = 10_000
PATIENCE = 120


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "courtesy", "--home", str(home), *words]


def courtesy(home: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(command(home, *words, "--json"), stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(command(home, "serve", "--port", str(port)))
    try:
        _wait_until_healthy(port)
        yield server
    finally:
        server.kill()
        server.wait()


def _wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not come up")


def arrived(home: Path) -> int:
    """Events that are known for good, and batches that wait to become so."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        seen, waiting = ledger.execute(
            "SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM inbox)"
        ).fetchone()
    return int(seen) + 100 * int(waiting)


def wait_for(home: Path, events: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while arrived(home) < events:
        assert time.monotonic() < deadline, f"{arrived(home)} of {events} have arrived"
        time.sleep(0.005)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    subprocess.run(command(tmp_path / "home", "init"), stdout=subprocess.DEVNULL, check=True)
    return tmp_path / "home"


def sending(home: Path, port: int, failures: list[Exception]) -> Client:
    key = courtesy(home, "keys", "create", "shop")["write_key"]
    client = Client(
        key,
        host=f"http://127.0.0.1:{port}",
        on_error=lambda error, _: failures.append(error),
        max_queue_size=EVENTS,
        thread=2,
    )
    for number in range(EVENTS):
        client.track(f"user {number % 500}", "Order Completed", {"value": number})
    return client


def settled(home: Path) -> dict[str, Any]:
    """What counts once nothing waits any more."""
    deadline = time.monotonic() + PATIENCE
    counts = courtesy(home, "events", "count")
    while counts["count"] < EVENTS and time.monotonic() < deadline:
        time.sleep(0.2)
        counts = courtesy(home, "events", "count")
    return counts


def test_nothing_is_lost_or_counted_twice_when_the_server_is_killed(home: Path) -> None:
    port, failures = free_port(), list[Exception]()
    with serving(home, port) as server:
        client = sending(home, port, failures)
        wait_for(home, EVENTS // 10)
        server.send_signal(signal.SIGKILL)
        server.wait()
    reached = arrived(home)
    assert reached < EVENTS, "the server was killed too late to prove anything"
    with serving(home, port) as server:
        wait_for(home, min(reached + EVENTS // 5, EVENTS))
        server.send_signal(signal.SIGKILL)
        server.wait()
    with serving(home, port) as server:
        client.join()
        assert settled(home) == {"count": EVENTS, "by_event": {"Order Completed": EVENTS}}
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=PATIENCE) == 0
    assert failures == []
