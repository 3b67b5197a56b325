"""Tests on the steps of journeys, from the YAML to letters and exposures, on a virtual clock."""

import json
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from pydantic import SecretStr

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app
from courtesy.flow import absorb, deliver, publish, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES, assign, split_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = [f"u{number}" for number in range(80)]
JOURNEY = """
journey: welcome
topic: offers
holdout: 25%
entry: {event: Signed Up}
steps:
  - test:
      name: mix
      factors: {tone: {warm: 1, cool: 1}, offer: {none: 1, tea: 1}}
      then: {warm+tea: [{send: {template: gift}}, exit]}
  - wait: 1d
  - send: {template: "hello-{{tone}}"}
  - wait: 1h
  - test: shipping
  - send: {template: hello-warm}
"""
TEMPLATE = """---
subject: NAME for {{ arm }}
---
<p>arm {{ arm }}, offer {{ test.offer | default: 'unknown' }}.</p>
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
FOLDER = {
    "policy.yaml": """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
""",
    "experiments/shipping.yaml": "experiment: shipping\narms: {control: 1, free: 1}\n",
    "journeys/welcome.yaml": JOURNEY,
    **{
        f"templates/{name}.html": TEMPLATE.replace("NAME", name)
        for name in ("gift", "hello-warm", "hello-cool")
    },
}


class Inbox(MessageHandler):
    """The subjects and texts that each user got."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: dict[str, list[tuple[str, str]]] = {}

    def handle_message(self, message: Message) -> None:
        user = str(message["To"]).split("@")[0].strip("<")
        part = next(part for part in message.walk() if part.get_content_type() == "text/plain")
        first = bytes(part.get_payload(decode=True)).decode().splitlines()[0]
        self.letters.setdefault(user, []).append((str(message["Subject"]), first))


class World:
    """A home with its folder, its clock and its mail server."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path, inbox: Inbox) -> None:
        self.app, self.clock, self.folder, self.inbox = app, clock, folder, inbox

    def apply(self, files: Mapping[str, str | None]) -> None:
        """Put the folder in force, after writing some files of it and taking others away."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text)
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def join(self, *users: str) -> None:
        said = [{"topic": "offers", "channel": "email", "granted": True, "source": "form"}]
        calls = [
            call
            for user in users
            for call in (
                {
                    "type": "identify",
                    "traits": {"email": f"{user}@customers.example"},
                    "context": {"consents": said},
                },
                {"type": "track", "event": "Signed Up"},
            )
            for call in ({"userId": user, "messageId": f"{call['type']}-{user}"} | call,)
        ]
        batch = json.dumps({"batch": calls}).encode()
        with self.app.ledger.write() as transaction:
            found = Accepted("app", self.clock.now(), collect(batch, "batch"))
            events_store.accept(transaction, [found])

    def go(self, **ahead: float) -> None:
        self.clock.move(self.clock.now() + timedelta(**ahead))
        absorb(self.app)
        tick(self.app)
        deliver(self.app)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.app.ledger.read() as transaction:
            return transaction.rows(query)

    def dealt(self, test: str) -> dict[str, str]:
        """The arm that chance deals each user who is not held out, computed here once more."""
        people = self.rows(
            "SELECT i.value, e.person_id FROM enrollments e"
            " JOIN identifiers i ON i.person_id = e.person_id WHERE e.arm = 'treated'"
        )
        with self.app.ledger.read() as transaction:
            experiment = workspace.in_force(transaction).experiments[test]
        units = pl.Series([row["person_id"] for row in people])
        arms = assign(units, split_of(experiment, START))
        return dict(zip([row["value"] for row in people], arms, strict=True))

    def exposed(self, test: str) -> dict[str, tuple[str, datetime]]:
        """The arm of each user who was exposed to a test, and when."""
        publish(self.app)
        found = self.app.engine.query("SELECT * FROM exposures", tables=[EXPOSURES], frames={})
        users = {row["person_id"]: row["value"] for row in self.rows("SELECT * FROM identifiers")}
        return {
            users[person]: (arm, moment)
            for person, arm, moment in found.filter(pl.col("experiment") == test)
            .select("person_id", "arm", "exposed_at")
            .iter_rows()
        }


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield handler, port
    finally:
        controller.stop()


@pytest.fixture
def world(tmp_path: Path, inbox: tuple[Inbox, int]) -> Iterator[World]:
    handler, port = inbox
    settings = Settings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"), public_url="https://brand.example"
    )
    make_home(tmp_path / "home", settings)
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock, settings=settings)
    found = World(app, clock, tmp_path / "workspace", handler)
    found.apply(FOLDER)
    yield found
    app.close()


def wanted(cell: str, shipping: str) -> list[tuple[str, str]]:
    """The subjects and first lines of the letters to somebody with these arms."""
    tone, offer = cell.split("+")
    if cell == "warm+tea":
        return [("gift for warm+tea", "arm warm+tea, offer tea.")]
    return [
        (f"hello-{tone} for {cell}", f"arm {cell}, offer {offer}."),
        (f"hello-warm for {shipping}", f"arm {shipping}, offer unknown."),
    ]


def test_everybody_gets_the_letters_of_their_arms(world: World) -> None:
    world.join(*PEOPLE)
    world.go(minutes=1)
    world.go(days=1)
    world.go(hours=1)
    mix, shipping = world.dealt("mix"), world.dealt("shipping")
    assert 40 < len(mix) < 75
    assert set(mix.values()) == {"warm+none", "warm+tea", "cool+none", "cool+tea"}
    assert world.inbox.letters == {user: wanted(mix[user], shipping[user]) for user in mix}


def test_passing_a_test_is_the_exposure_in_every_arm_at_the_same_moment(world: World) -> None:
    world.join(*PEOPLE)
    world.go(minutes=1)
    passed = START + timedelta(minutes=1)
    assert world.exposed("mix") == {user: (arm, passed) for user, arm in world.dealt("mix").items()}
    assert world.exposed("shipping") == {}
    world.go(days=1)
    world.go(hours=1)
    later = passed + timedelta(days=1, hours=1)
    mix = world.dealt("mix")
    assert world.exposed("shipping") == {
        user: (arm, later)
        for user, arm in world.dealt("shipping").items()
        if mix[user] != "warm+tea"
    }
    assert {moment for _, moment in world.exposed("mix").values()} == {passed}


def test_held_out_people_walk_along_and_hear_nothing(world: World) -> None:
    world.join(*PEOPLE)
    world.go(minutes=1)
    world.go(days=1)
    world.go(hours=1)
    held = world.rows("SELECT enrollment_id, tests FROM enrollments WHERE arm = 'holdout'")
    assert held
    assert all("mix" in json.loads(row["tests"]) for row in held)
    refused = world.rows("SELECT DISTINCT reason FROM messages WHERE state = 'refused'")
    assert refused == [{"reason": "holdout"}]
    assert len(world.inbox.letters) == len(PEOPLE) - len(held)


def test_people_in_flight_go_through_their_tests_when_these_are_gone(world: World) -> None:
    world.join(*PEOPLE)
    world.go(minutes=1)
    mix = world.dealt("mix")
    steps = "steps:\n  - send: {template: gift}\n"
    world.apply(
        {
            "journeys/welcome.yaml": JOURNEY[: JOURNEY.index("steps:")] + steps,
            "experiments/shipping.yaml": None,
        }
    )
    world.join("newcomer")
    world.go(days=1)
    world.go(hours=1)
    letters = world.inbox.letters
    assert "newcomer" in letters, "choose another name: the hash holds this one out"
    assert letters.pop("newcomer") == [("gift for", "arm , offer unknown.")]
    assert {user: got[0] for user, got in letters.items()} == {
        user: wanted(cell, "")[0] for user, cell in mix.items()
    }
    assert {letter for got in letters.values() for letter in got[1:]} == {
        (f"hello-warm for {arm}", f"arm {arm}, offer unknown.") for arm in ("control", "free")
    }


def test_a_folder_in_which_an_arm_lacks_its_template_is_not_applied(world: World) -> None:
    with pytest.raises(DefinitionError) as refused:
        world.apply({"templates/hello-cool.html": None})
    assert "journeys/welcome.yaml:12: steps[2].send.template: " in refused.value.message
    assert "no template 'hello-cool' for the arm cool+none" in refused.value.message
