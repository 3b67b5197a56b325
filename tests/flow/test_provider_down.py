"""A provider that is down is not a fate of messages; a settlement that fails is made up for."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from typer.testing import CliRunner

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app
from courtesy.doors.cli.main import commands
from courtesy.flow import absorb, deliver, holds, may_deliver, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import HomeError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

START = datetime(2026, 3, 4, 12, tzinfo=UTC)
PEOPLE = 12
FILES = {
    "policy.yaml": "sender: {name: Brand, address: hello@brand.example}\n"
    "postal_address: 1 Main Street\nuncertain: {repeat_after: 6h}\n",
    "templates/hello.html": "---\nsubject: Hello\n---\n"
    "<p>{{ unsubscribe_url }} {{ postal_address }}</p>\n",
    "journeys/welcome.yaml": "journey: welcome\nowner: ana@brand.example\ntopic: offers\n"
    "entry: {event: Signed Up}\nsteps:\n  - send: {template: hello}\n",
}


class Server:
    """A mail server that says what it is told to."""

    def __init__(self) -> None:
        self.letters = 0
        self.answer = "250 taken"
        self.rcpt = "250 ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self,
        _server: object,
        _session: object,
        envelope: Any,  # noqa: ANN401
        address: str,
        _options: object,
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server: object, _session: object, _envelope: Any) -> str:  # noqa: ANN401, N802
        self.letters += 1
        return self.answer


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def begin(port: int) -> Iterator[Callable[[], Server]]:
    running: list[Controller] = []

    def start() -> Server:
        server = Server()
        controller = Controller(server, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        return server

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def app(tmp_path: Path, port: int, clock: VirtualClock) -> Iterator[App]:
    for name, text in FILES.items():
        (tmp_path / "workspace" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace" / name).write_text(text)
    make_home(tmp_path / "home", Settings())
    settings = Settings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"), public_url="https://brand.example"
    )
    opened = open_app(tmp_path / "home", clock=clock, settings=settings)
    batch = [call for number in range(PEOPLE) for call in _calls(f"p{number}")]
    with opened.ledger.write() as transaction:
        workspace.apply(transaction, tmp_path / "workspace", START)
        collected = collect(json.dumps({"batch": batch}).encode(), "batch")
        events_store.accept(transaction, [Accepted("app", START, collected)])
    absorb(opened)
    tick(opened)
    yield opened
    opened.close()


def _calls(user: str) -> list[dict[str, Any]]:
    consent = {"topic": "offers", "channel": "email", "granted": True, "source": "form"}
    traits = {"email": f"{user}@people.example", "timezone": "Europe/Berlin"}
    told = {"type": "identify", "traits": traits, "context": {"consents": [consent]}}
    done = {"type": "track", "event": "Signed Up"}
    return [one | {"userId": user, "messageId": f"{user}-{one['type']}"} for one in (told, done)]


def standing(app: App) -> list[tuple[str, int]]:
    """The states there are, and the most attempts of a message."""
    with app.ledger.read() as transaction:
        rows = transaction.rows("SELECT state, max(attempts) AS most FROM messages GROUP BY state")
    return [(row["state"], row["most"]) for row in rows]


def told(app: App, *words: str) -> Any:  # noqa: ANN401 - JSON
    done = CliRunner().invoke(commands, ["--home", str(app.home), "messages", *words, "--json"])
    assert done.exit_code == 0, done.output
    return msgspec.json.decode(done.stdout)


def test_a_server_that_is_down_costs_nothing_and_delivery_goes_on(
    app: App, clock: VirtualClock, begin: Callable[[], Server]
) -> None:
    for number in range(10):
        assert may_deliver(app)
        done = deliver(app)
        assert (done.sent, done.other) == (0, 0)
        assert "127.0.0.1" in (done.provider_failure or "")
        assert standing(app) == [("queued", 0)]
        (hold,) = holds(app)
        assert (hold.since, hold.waiting) == (START, PEOPLE)
        assert hold.next_try - clock.now() == min(
            timedelta(seconds=2**number), timedelta(minutes=5)
        )
        assert not may_deliver(app)
        clock.move(hold.next_try)
    (shown,) = told(app, "held")
    assert (shown["channel"], shown["waiting"]) == ("email", PEOPLE)
    server = begin()
    assert deliver(app).sent == PEOPLE == server.letters
    assert (holds(app), standing(app)) == ([], [("sent", 1)])


def test_a_server_that_refuses_all_costs_nothing(app: App, begin: Callable[[], Server]) -> None:
    server = begin()
    server.rcpt = "554 5.7.1 relay access denied"
    assert "relay access denied" in (deliver(app).provider_failure or "")
    assert standing(app) == [("queued", 0)]
    server.rcpt = "250 ok"
    assert deliver(app).sent == PEOPLE


def test_a_settlement_that_fails_is_made_up_for(app: App, begin: Callable[[], Server]) -> None:
    """The ledger takes nothing from the moment when the letters are gone."""
    server = begin()
    original = app.runner.run

    def filled(coroutine: Any) -> Any:  # noqa: ANN401 - a runner's
        found = original(coroutine)
        with app.ledger.write() as transaction:
            transaction.run(
                "CREATE TRIGGER full BEFORE UPDATE ON messages "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        return found

    object.__setattr__(app, "runner", _Runner(filled, app.runner))
    for _ in range(3):
        with pytest.raises(HomeError, match="full"):
            deliver(app)
        assert (server.letters, standing(app)) == (PEOPLE, [("sending", 0)])
    with app.ledger.write() as transaction:
        transaction.run("DROP TRIGGER full")
    deliver(app)
    absorb(app)
    assert (server.letters, standing(app)) == (PEOPLE, [("sent", 1)])
    with app.ledger.read() as transaction:
        assert transaction.scalar("SELECT count(*) FROM receipts") == PEOPLE


class _Runner:
    def __init__(self, run: Callable[[Any], Any], real: Any) -> None:  # noqa: ANN401
        self._ran, self._run, self._real = threading.Event(), run, real

    def run(self, coroutine: Any) -> Any:  # noqa: ANN401
        if self._ran.is_set():
            return self._real.run(coroutine)
        self._ran.set()
        return self._run(coroutine)

    def close(self) -> None:
        self._real.close()


def test_what_is_uncertain_is_repeated_by_hand_and_by_policy(
    app: App, clock: VirtualClock, begin: Callable[[], Server]
) -> None:
    server = begin()
    with app.ledger.write() as transaction:
        transaction.run("UPDATE messages SET state = 'uncertain', sent_at = :now", now=START)
    listed = told(app, "uncertain")
    assert len(listed) == PEOPLE
    assert told(app, "repeat", listed[0]["message_id"]) == {"repeated": 1}
    clock.move(START + timedelta(hours=5))
    with app.ledger.write() as transaction:  # told by the machine's clock in the other process
        transaction.run("UPDATE messages SET due_at = :now", now=START)
    assert deliver(app).sent == 1
    clock.move(START + timedelta(hours=6))
    assert (deliver(app).sent, server.letters) == (PEOPLE - 1, PEOPLE)
    wrong = CliRunner().invoke(commands, ["--home", str(app.home), "messages", "repeat", "x"])
    assert "No uncertain message" in str(wrong.exception)
