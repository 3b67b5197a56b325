"""From a call to an e-mail and its measured effect, on a virtual clock and a real mail server."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from pydantic import SecretStr

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app
from courtesy.flow import absorb, deliver, lift_of, night, publish, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Fixed
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import store as messages_store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
quiet_hours: {from: "21:00", to: "08:00"}
"""
JOURNEY = """
journey: welcome
topic: offers
holdout: 30%
entry: {event: Signed Up}
goal: {did: Order Completed, within: 3d}
exit: {did: Unsubscribed}
steps:
  - send: {template: hello}
  - wait: 1d
  - send: {template: hello}
"""
VIP = "audience: vip\nwhen: {did: Order Completed, at_least: 2}\n"
VIP_JOURNEY = """
journey: thanks
topic: offers
entry: {audience: vip}
steps:
  - send: {template: hello}
"""
TEMPLATE = """---
subject: Hello {{ first_name }}
---
<p>Hello {{ first_name }}.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""


class Inbox(MessageHandler):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield handler, controller.port
    finally:
        controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class World:
    """A home, its clock, and what a client would call."""

    def __init__(self, app: App, clock: VirtualClock, inbox: Inbox) -> None:
        self.app, self.clock, self.inbox = app, clock, inbox
        self.calls = 0

    def call(self, kind: str, user: str, event: str | None = None, **fields: object) -> None:
        self.calls += 1
        body = {"type": kind, "userId": user, "messageId": f"call-{self.calls}"} | fields
        batch = json.dumps({"batch": [body | ({"event": event} if event else {})]}).encode()
        with self.app.ledger.write() as transaction:
            accepted = Accepted("app", self.clock.now(), collect(batch, "batch"))
            events_store.accept(transaction, [accepted])

    def join(self, user: str, *, consent: bool = True, zone: str = "Europe/Berlin") -> None:
        said = [{"topic": "offers", "channel": "email", "granted": consent, "source": "form"}]
        traits = {"email": f"{user}@customers.example", "first_name": user}
        self.call("identify", user, traits=traits, context={"timezone": zone, "consents": said})
        self.call("track", user, "Signed Up")

    def go(self, **ahead: float) -> int:
        self.clock.move(self.clock.now() + timedelta(**ahead))
        absorb(self.app)
        tick(self.app)
        return deliver(self.app).sent

    def reasons(self) -> dict[str, int]:
        with self.app.ledger.read() as transaction:
            rows = messages_store.count_by_reason(transaction)
        return {row["name"]: row["messages"] for row in rows}


@pytest.fixture
def world(tmp_path: Path, inbox: tuple[Inbox, int]) -> Iterator[World]:
    handler, port = inbox
    folder = tmp_path / "workspace"
    for name, text in {
        "policy.yaml": POLICY,
        "journeys/welcome.yaml": JOURNEY,
        "journeys/thanks.yaml": VIP_JOURNEY,
        "audiences/vip.yaml": VIP,
        "templates/hello.html": TEMPLATE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    settings = Settings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"), public_url="https://brand.example"
    )
    make_home(tmp_path / "home", settings)
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock, settings=settings)
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, START)
    yield World(app, clock, handler)
    app.close()


def arms(world: World) -> dict[str, str]:
    with world.app.ledger.read() as transaction:
        rows = transaction.rows(
            "SELECT i.value, e.arm FROM enrollments e JOIN identifiers i"
            " ON i.person_id = e.person_id WHERE e.journey = 'welcome'"
        )
    return {row["value"]: row["arm"] for row in rows}


def test_treated_people_with_consent_get_one_mail_for_each_step(world: World) -> None:
    for i in range(40):
        world.join(f"u{i}", consent=i % 4 != 0)
    world.go(minutes=1)
    treated = {user for user, arm in arms(world).items() if arm == "treated"}
    allowed = {user for user in treated if int(user[1:]) % 4}
    assert {m["To"].split("@")[0].strip("<") for m in world.inbox.messages} == allowed
    assert world.reasons() == {
        "holdout": 40 - len(treated),
        "no_consent": len(treated) - len(allowed),
    }
    assert world.go(hours=1) == 0
    assert world.go(days=1) == len(allowed)
    ids = [message["Message-ID"] for message in world.inbox.messages]
    assert len(set(ids)) == len(ids) == 2 * len(allowed)


def test_a_mail_at_night_waits_for_the_morning_there(world: World) -> None:
    world.join("tokyo", zone="Asia/Tokyo")  # 18:01 there
    world.join("burbank", zone="America/Los_Angeles")  # 01:01 there
    world.go(minutes=1)
    treated = {user for user, arm in arms(world).items() if arm == "treated"}
    assert treated == {"tokyo", "burbank"}, "choose other names: the hash holds one of them out"
    assert [message["To"] for message in world.inbox.messages] == ["tokyo@customers.example"]
    world.go(hours=6)
    assert len(world.inbox.messages) == 1
    world.go(hours=1)
    assert world.inbox.messages[-1]["To"] == "burbank@customers.example"


def test_a_goal_ends_a_journey_in_the_middle_of_a_wait(world: World) -> None:
    world.join("buyer")
    world.join("leaver")
    world.go(minutes=1)
    world.call("track", "buyer", "Order Completed")
    world.call("track", "leaver", "Unsubscribed")
    world.go(hours=2)
    with world.app.ledger.read() as transaction:
        counts = journeys_store.counts(transaction)
    assert {row["reason"] for row in counts} == {"goal", "exit"}
    sent = len(world.inbox.messages)
    world.go(days=2)
    assert len(world.inbox.messages) == sent


def test_what_happened_before_the_entry_is_no_goal(world: World) -> None:
    world.call("track", "early", "Order Completed")
    world.go(minutes=5)
    world.join("early")
    world.go(minutes=5)
    with world.app.ledger.read() as transaction:
        assert {row["state"] for row in journeys_store.counts(transaction)} == {"active"}


def test_joining_an_audience_invites_at_night(world: World) -> None:
    world.join("vip")
    for _ in range(2):
        world.call("track", "vip", "Order Completed")
    world.go(minutes=1)
    night(world.app)
    night(world.app)
    with world.app.ledger.read() as transaction:
        rows = [r for r in journeys_store.counts(transaction) if r["journey"] == "thanks"]
    assert [row["people"] for row in rows] == [1]


def test_the_same_call_twice_counts_once(world: World) -> None:
    world.join("twice")
    world.calls = 0
    world.join("twice")
    assert absorb(world.app).duplicates == 2
    assert absorb(world.app).added == 0


def test_late_events_invite_nobody(world: World) -> None:
    old = (START - timedelta(days=3)).isoformat()
    world.call("track", "late", "Signed Up", timestamp=old)
    world.go(minutes=1)
    assert arms(world) == {}


def test_lift_counts_everybody_who_was_exposed(world: World) -> None:
    for i in range(60):
        world.join(f"u{i}")
    world.go(minutes=1)
    for user, arm in arms(world).items():
        if arm == "treated" and int(user[1:]) % 2:
            world.call("track", user, "Order Completed")
    world.go(hours=1)
    world.go(days=4)
    found = lift_of(world.app, "welcome", Fixed(0.05))
    treated = [user for user, arm in arms(world).items() if arm == "treated"]
    comparison = found.comparisons[0]
    assert {arm.arm: arm.units for arm in found.arms}["treated"] == len(treated)
    assert comparison.control_mean == 0
    assert comparison.arm_mean == pytest.approx(
        sum(int(user[1:]) % 2 for user in treated) / len(treated)
    )
    assert found.sample_ratio is not None
    assert found.sample_ratio.ok


def test_a_journey_without_a_holdout_has_no_lift(world: World) -> None:
    with pytest.raises(DataError, match="leaves nobody alone"):
        lift_of(world.app, "thanks", Fixed(0.05))


def test_publishing_twice_adds_nothing(world: World) -> None:
    world.join("u1")
    world.go(minutes=1)
    publish(world.app)
    publish(world.app)
    found = world.app.engine.query("SELECT * FROM exposures", tables=[EXPOSURES], frames={})
    assert found.select(pl.len()).item() == 1
