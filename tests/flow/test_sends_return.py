"""What was sent comes back as an event: live, and in a replay of history."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app
from courtesy.flow import absorb, deliver, period, replay, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import EVENTS, Accepted, collect
from courtesy.stages.events import store as events_store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FILES = {
    "policy.yaml": """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
costs: {email: 0.002}
""",
    "templates/hello.html": """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
""",
    "journeys/welcome.yaml": """
journey: welcome
topic: offers
entry: {event: Signed Up, again: always}
steps:
  - send: {template: hello}
  - wait: 20h
  - branch:
      - if: {did: Email Sent, where: {journey: welcome}}
        then: [{send: {template: hello}}]
""",
    "journeys/written-to.yaml": """
journey: written-to
topic: offers
entry: {event: Email Sent}
steps:
  - wait: 1h
""",
}


class Server:
    """Takes every letter but those to people called nobody."""

    def __init__(self) -> None:
        self.taken = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - same
        self.taken += 1
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def settings(server: tuple[Server, int]) -> Settings:
    return Settings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{server[1]}"), public_url="https://brand.example"
    )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def app(tmp_path: Path, settings: Settings, clock: VirtualClock) -> Iterator[App]:
    for name, text in FILES.items():
        (tmp_path / "workspace" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace" / name).write_text(text)
    make_home(tmp_path / "home", settings)
    opened = open_app(tmp_path / "home", clock=clock, settings=settings)
    with opened.ledger.write() as transaction:
        workspace.apply(transaction, tmp_path / "workspace", START)
    yield opened
    opened.close()


def put(app: App, *users: str, at: datetime, history: bool = False) -> None:
    """These people agreed to hear of offers, and signed up."""
    said = [{"topic": "offers", "channel": "email", "granted": True, "source": "form"}]
    calls: list[dict[str, Any]] = []
    for user in users:
        known = {"userId": user, "timestamp": at.isoformat()}
        who = {"traits": {"email": f"{user}@people.example"}, "context": {"consents": said}}
        calls.append({"type": "identify", "messageId": f"i-{user}-{at}"} | known | who)
        calls.append({"type": "track", "event": "Signed Up", "messageId": f"s-{user}-{at}"} | known)
    collected = collect(json.dumps({"batch": calls}).encode(), "batch")
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("app", at, collected, history)])


def came_back(app: App) -> list[dict[str, Any]]:
    sql = (
        "SELECT event, user_id, occurred_at, source, properties FROM events"
        " WHERE event IN ('Email Sent', 'Email Bounced') ORDER BY occurred_at, user_id, event"
    )
    return app.engine.query(sql, tables=[EVENTS], frames={}).to_dicts()


def rows(app: App, query: str) -> list[dict[str, Any]]:
    with app.ledger.read() as transaction:
        return transaction.rows(query)


def test_a_send_and_a_bounce_become_history_with_what_they_cost(app: App) -> None:
    put(app, "ana", "bea", "nobody", at=START)
    absorb(app)
    tick(app)
    assert deliver(app).sent == 2
    assert len(rows(app, "SELECT * FROM inbox")) == 1
    assert absorb(app).added == 3
    found = {row["user_id"]: row for row in came_back(app)}
    assert {user: row["event"] for user, row in found.items()} == {
        "ana": "Email Sent",
        "bea": "Email Sent",
        "nobody": "Email Bounced",
    }
    said = json.loads(found["ana"]["properties"])
    assert said["cost"] == pytest.approx(0.002)
    assert (said["journey"], said["template"], said["topic"]) == ("welcome", "hello", "offers")
    [message] = rows(app, f"SELECT * FROM messages WHERE message_id = '{said['message_id']}'")  # noqa: S608 - ours
    assert message["state"] == "sent"
    assert found["ana"]["occurred_at"] == START


def test_what_could_not_be_handed_over_does_not_come_back(
    app: App, server: tuple[Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_arguments: object) -> str:
        return "451 4.7.0 later"

    monkeypatch.setattr(server[0], "handle_DATA", busy)
    put(app, "ana", at=START)
    absorb(app)
    tick(app)
    deliver(app)
    assert rows(app, "SELECT * FROM inbox") == []


def test_a_replay_makes_history_of_its_sends_once(app: App, clock: VirtualClock) -> None:
    users = [f"u{number}" for number in range(12)]
    for day in range(3):
        put(app, *users, "nobody", at=START + day * 24 * HOUR, history=True)
    absorb(app)
    last = period(app)[1]
    done = replay(app, clock, end=last, step=HOUR)
    assert rows(app, "SELECT * FROM inbox") == []
    sent = rows(app, "SELECT * FROM messages WHERE state = 'sent'")
    found = came_back(app)
    assert [row["event"] for row in found].count("Email Bounced") == 1
    ids = [json.loads(r["properties"])["message_id"] for r in found if r["event"] == "Email Sent"]
    assert sorted(ids) == sorted(row["message_id"] for row in sent)
    assert done.sent == len(sent) == 3 * 2 * len(users), "the branch sees what was sent before"
    again = replay(app, clock, end=period(app)[1], step=HOUR)
    assert (again.sent, again.entered) == (0, 0)
    assert came_back(app) == found


def test_a_replay_that_stops_and_goes_on_is_the_same(
    app: App, clock: VirtualClock, tmp_path: Path, settings: Settings
) -> None:
    users = [f"u{number}" for number in range(6)]
    for day in range(4):
        put(app, *users, at=START + day * 24 * HOUR, history=True)
    absorb(app)
    last = period(app)[1]

    class StoppedError(Exception):
        """Somebody pressed Ctrl-C."""

    def stop(at: datetime, _sent: int) -> None:
        if at > START + 40 * HOUR:
            raise StoppedError

    with pytest.raises(StoppedError):
        replay(app, clock, end=last, step=HOUR, watch=stop)
    afresh = VirtualClock(START)
    other = open_app(tmp_path / "home", clock=afresh, settings=settings)
    try:
        replay(other, afresh, end=last, step=HOUR)
    finally:
        other.close()
    entered = rows(app, "SELECT journey, count(*) AS n FROM enrollments GROUP BY journey")
    assert {row["journey"]: row["n"] for row in entered} == {
        "welcome": len(users) * 4,
        "written-to": len(users),
    }
    ids = [json.loads(row["properties"])["message_id"] for row in came_back(app)]
    assert len(ids) == len(set(ids)) == len(users) * 4 * 2
