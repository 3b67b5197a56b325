"""No mail server and no public address are guessed: it is said, and what is due waits."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from courtesy import workspace
from courtesy.app import App, Settings, make_home, missing_to_send, open_app
from courtesy.doors.cli.main import commands
from courtesy.flow import absorb, deliver, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.messages import store as messages_store

START = datetime(2026, 3, 4, 12, tzinfo=UTC)
PUBLIC = "https://brand.example"
FILES = {
    "policy.yaml": "sender: {name: Brand, address: hello@brand.example}\n"
    "postal_address: 1 Main Street\n",
    "templates/hello.html": "---\nsubject: Hello\n---\n"
    "<p>Hello {{ unsubscribe_url }} {{ postal_address }}</p>\n",
    "journeys/welcome.yaml": "journey: welcome\nowner: ana@brand.example\ntopic: offers\n"
    "entry: {event: Signed Up}\nsteps:\n  - send: {template: hello}\n",
}
CALLS: list[dict[str, Any]] = [
    {
        "type": "identify",
        "traits": {"email": "bea@people.example", "timezone": "Europe/Berlin"},
        "context": {
            "consents": [{"topic": "offers", "channel": "email", "granted": True, "source": "form"}]
        },
    },
    {"type": "track", "event": "Signed Up"},
]


class Inbox:
    """A mail server that counts."""

    def __init__(self) -> None:
        self.letters = 0

    async def handle_DATA(self, _server: object, _session: object, _envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        self.letters += 1
        return "250 taken"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "workspace"


@pytest.fixture
def home(tmp_path: Path, folder: Path) -> Path:
    """A home in which somebody just signed up."""
    make_home(tmp_path / "home", Settings())
    app = opened(tmp_path / "home")
    batch = [call | {"userId": "bea", "messageId": str(at)} for at, call in enumerate(CALLS)]
    collected = collect(json.dumps({"batch": batch}).encode(), "batch")
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, START)
        events_store.accept(transaction, [Accepted("app", START, collected)])
    absorb(app)
    app.close()
    return tmp_path / "home"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    taken = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(taken, hostname="127.0.0.1", port=port)
    controller.start()
    yield taken, f"smtp://127.0.0.1:{port}"
    controller.stop()


def opened(home: Path, smtp_url: str = "", public_url: str = "", after: float = 0) -> App:
    settings = Settings(smtp_url=SecretStr(smtp_url), public_url=public_url)
    return open_app(home, clock=VirtualClock(START + timedelta(days=after)), settings=settings)


def states(app: App) -> dict[str, int]:
    with app.ledger.read() as transaction:
        rows = messages_store.count_by_state(transaction)
    return {row["name"]: row["messages"] for row in rows}


def run(home: Path, *words: str, **surroundings: str) -> Result:
    unset = {"COURTESY_SMTP_URL": "", "COURTESY_PUBLIC_URL": ""}
    return CliRunner().invoke(commands, ["--home", str(home), *words], env=unset | surroundings)


@pytest.mark.parametrize(
    ("smtp_url", "public_url", "named"),
    [
        ("", "", ["COURTESY_SMTP_URL", "COURTESY_PUBLIC_URL"]),
        ("", PUBLIC, ["COURTESY_SMTP_URL"]),
        ("smtp://mail.example", "", ["COURTESY_PUBLIC_URL"]),
        ("smtp://mail.example", "brand.example", ["COURTESY_PUBLIC_URL"]),
        ("smtp://mail.example", PUBLIC, []),
    ],
)
def test_what_is_missing_is_named(
    home: Path, smtp_url: str, public_url: str, named: list[str]
) -> None:
    app = opened(home, smtp_url, public_url)
    missing = missing_to_send(app)
    app.close()
    assert len(missing) == len(named)
    assert all(name in sentence for name, sentence in zip(named, missing, strict=True))


def test_what_is_due_waits_and_leaves_when_nothing_is_missing(
    home: Path, inbox: tuple[Inbox, str]
) -> None:
    app = opened(home)
    assert deliver(app).provider_failure is None
    tick(app)
    for _ in range(10):
        held = deliver(app)
        assert "COURTESY_SMTP_URL" in (held.provider_failure or "")
    assert (held.sent, held.other, states(app)) == (0, 0, {"queued": 1})
    app.close()
    taken, url = inbox
    app = opened(home, url, PUBLIC, after=1)
    assert (deliver(app).sent, taken.letters, states(app)) == (1, 1, {"sent": 1})
    app.close()


def test_plan_and_apply_say_it_where_journeys_send(home: Path, folder: Path) -> None:
    for word in ("plan", "apply"):
        said = run(home, word, str(folder))
        assert said.exit_code == 0
        assert "COURTESY_SMTP_URL" in said.stderr
        assert "COURTESY_PUBLIC_URL" in said.stderr
        named = {"COURTESY_SMTP_URL": "smtp://mail.example", "COURTESY_PUBLIC_URL": PUBLIC}
        assert not run(home, word, str(folder), **named).stderr


def test_a_replay_really_sends_only_when_it_is_asked_to(
    home: Path, inbox: tuple[Inbox, str]
) -> None:
    taken, url = inbox
    named = {"COURTESY_SMTP_URL": url, "COURTESY_PUBLIC_URL": PUBLIC}
    assert run(home, "replay", **named).exit_code == 0
    assert taken.letters == 0
    said = run(home, "replay", "--again", "--send-to", url, COURTESY_PUBLIC_URL=PUBLIC)
    assert isinstance(said.exception, InputError)
    assert "--reaching" in said.exception.message
    bounded = ("--again", "--send-to", url, "--reaching")
    said = run(home, "replay", *bounded, "0", COURTESY_PUBLIC_URL=PUBLIC)
    assert isinstance(said.exception, InputError)
    assert taken.letters == 0
    assert run(home, "replay", *bounded, "1", COURTESY_PUBLIC_URL=PUBLIC).exit_code == 0
    assert taken.letters == 1
