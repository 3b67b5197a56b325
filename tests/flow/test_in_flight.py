"""Who is in a journey: what ends it, and what changes of definitions mean for them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, tick
from courtesy.flow.halt import (
    describe_journey,
    hold_back,
    pause_journey,
    resume_journey,
    stop_journey,
)
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = "sender: {name: Brand, address: hello@brand.example}\npostal_address: 1 Main Street\n"
TEMPLATE = """---
subject: Hello
---
<p>Hello. {{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
BOUGHT = """
journey: bought
topic: offers
entry: {event: Order Completed, again: always}
goal: {did: Order Completed, within: 30d}
exit: {did: Order Cancelled}
steps: [{wait: 7d}, {send: {template: hello}}]
"""
FILES = {
    "policy.yaml": POLICY,
    "journeys/bought.yaml": BOUGHT,
    "templates/hello.html": TEMPLATE,
}
CONSENTS = {"consents": [{"topic": "offers", "channel": "email", "granted": True}]}


@dataclass
class Brand:
    """A home, its clock and its folder of definitions."""

    app: App
    clock: VirtualClock
    folder: Path

    def apply(self, files: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Put exactly these files in force; returns what was done to which definition."""
        for old in self.folder.rglob("*.*"):
            old.unlink()
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        with self.app.ledger.write() as transaction:
            changes = workspace.apply(transaction, self.folder, self.clock.now())
        return [(one.action, one.kind, one.name) for one in changes]

    def tell(self, *calls: Mapping[str, Any]) -> None:
        """Send calls in one batch, at the present, and let everybody move who is due."""
        batch = [{"timestamp": self.clock.now().isoformat(), **call} for call in calls]
        body = collect(json.dumps({"batch": batch}).encode(), "batch")
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [Accepted("app", self.clock.now(), body)])
        absorb(self.app)
        tick(self.app)

    def after(self, time: timedelta) -> None:
        self.clock.move(self.clock.now() + time)
        tick(self.app)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.app.ledger.read() as transaction:
            return [tuple(row.values()) for row in transaction.rows(query)]

    def passes(self) -> list[tuple[object, ...]]:
        return self.rows("SELECT state, reason FROM enrollments ORDER BY journey, pass_number")


@pytest.fixture
def brand(tmp_path: Path) -> Iterator[Callable[..., Brand]]:
    opened: list[App] = []

    def make(files: Mapping[str, str] = FILES) -> Brand:
        clock = VirtualClock(MONDAY)
        make_home(tmp_path / "home")
        app = open_app(tmp_path / "home", clock=clock)
        opened.append(app)
        (tmp_path / "folder").mkdir()
        made = Brand(app, clock, tmp_path / "folder")
        made.apply(files)
        made.tell(call("identify", "ana", traits={"email": "ana@x.example"}, context=CONSENTS))
        return made

    yield make
    for app in opened:
        app.close()


Make = Callable[..., Brand]


def call(event: str, user: str = "ana", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    kind = {"type": "identify"} if event == "identify" else {"type": "track", "event": event}
    return {**kind, "userId": user, **more}


def test_the_event_of_the_entry_is_not_its_own_goal(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1", properties={"total": 5}))
    assert shop.passes() == [("active", None)]
    shop.after(HOUR)
    shop.tell(call("Order Completed", messageId="2", properties={"total": 5}))
    assert shop.passes()[0] == ("ended", "goal")


def test_another_event_of_the_same_instant_is_a_goal_or_an_exit(brand: Make) -> None:
    shop = brand()
    shop.tell(
        call("Order Completed", messageId="1", properties={"total": 5}),
        call("Order Cancelled", messageId="2", properties={"total": 5}),
    )
    assert shop.passes() == [("ended", "exit")]


def test_an_earlier_event_that_arrives_later_is_no_goal(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1", properties={"total": 5}))
    earlier = (MONDAY - HOUR).isoformat()
    shop.tell(call("Order Completed", messageId="2", timestamp=earlier))
    assert shop.passes() == [("active", None)]
    shop.after(7 * DAY)
    assert shop.rows("SELECT state FROM messages") == [("queued",)]


NO_JOURNEY = {"policy.yaml": POLICY}
OTHER = TEMPLATE.replace("Hello", "Goodbye")


def test_what_people_stand_on_stays_though_the_folder_lacks_it(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1"))
    done = shop.apply({"metrics/sales.yaml": "metric: sales\nkind: conversion\nevent: Paid\n"})
    assert ("keep", "journey", "bought") in done
    assert ("keep", "policy", "policy") in done
    assert ("keep", "template", "hello.html") in done
    shop.after(7 * DAY)
    assert shop.rows("SELECT state, reason FROM messages") == [("queued", None)]


def test_what_nobody_stands_on_goes_by_its_absence(brand: Make) -> None:
    shop = brand()
    assert ("retire", "journey", "bought") in shop.apply(NO_JOURNEY)
    shop.tell(call("Order Completed", messageId="1"))
    assert shop.passes() == []


def test_a_kept_journey_says_who_stands_where_and_how_to_end_it(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1"))
    for old in shop.folder.rglob("*.*"):
        old.unlink()
    (shop.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with shop.app.ledger.read() as transaction:
        changes = {one.name: one for one in workspace.plan(transaction, shop.folder)}
    why = changes["bought"].why
    assert "1 people stand in it (steps[1]" in why
    assert "courtesy journeys stop bought" in why


def test_who_is_inside_keeps_the_template_of_their_version(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1"))
    done = shop.apply({**FILES, "templates/hello.html": OTHER})
    assert done == [("change", "journey", "bought"), ("change", "template", "hello.html")]
    shop.tell(call("identify", "ben", traits={"email": "ben@x.example"}, context=CONSENTS))
    shop.tell(call("Order Completed", "ben", messageId="2"))
    shop.after(7 * DAY)
    subjects = []
    with shop.app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        rows = transaction.rows("SELECT journey, version, template FROM messages ORDER BY version")
    for row in rows:
        template = definitions.template_of(row["journey"], row["version"], row["template"])
        assert template is not None
        subjects.append(template.subject.render())
    assert subjects == ["Hello", "Goodbye"]


@pytest.mark.parametrize("seed", range(4))
def test_every_send_that_is_passed_has_a_message_whatever_is_applied(
    brand: Make, seed: int
) -> None:
    dice = Random(seed)  # noqa: S311 - a reproducible walk
    shop = brand()
    shorter = BOUGHT.replace("7d", "1d")
    folders = [FILES, NO_JOURNEY, {}, {**FILES, "templates/hello.html": OTHER}]
    folders.append({**FILES, "journeys/bought.yaml": shorter})
    metric = {"metrics/sales.yaml": "metric: sales\nkind: conversion\nevent: Paid\n"}
    for number in range(12):
        shop.tell(call("Order Completed", f"p{dice.randrange(6)}", messageId=f"{number}"))
        shop.apply({**dice.choice(folders), **metric})
        shop.after(dice.choice([HOUR, DAY, 4 * DAY, 8 * DAY]))
    said = shop.rows("SELECT count(*) FROM passages WHERE outcome = 'said'")
    assert said == shop.rows("SELECT count(*) FROM messages")


def test_a_paused_journey_holds_everything_and_a_stopped_one_counts_its_ends(brand: Make) -> None:
    shop = brand({**FILES, "journeys/bought.yaml": BOUGHT.replace("{wait: 7d}, ", "")})
    shop.tell(call("Order Completed", messageId="1"))
    pause_journey(shop.app, "bought")
    shop.tell(call("identify", "ben", traits={"email": "b@x.example"}, context=CONSENTS))
    shop.tell(call("Order Completed", "ben", messageId="2"))
    assert shop.rows("SELECT state FROM messages") == [("paused",)]
    assert len(shop.passes()) == 1
    assert resume_journey(shop.app, "bought").messages == 1
    assert shop.rows("SELECT state FROM messages") == [("queued",)]
    stopped = stop_journey(shop.app, "bought")
    assert stopped.messages == 1
    assert shop.rows("SELECT state, reason FROM messages") == [("refused", "recalled")]
    shop.tell(call("Order Completed", "ben", messageId="3"))
    assert len(shop.passes()) == 1


def test_who_waits_in_a_stopped_journey_leaves_it(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1"))
    assert stop_journey(shop.app, "bought", dry=True).people == 1
    assert shop.passes() == [("active", None)]
    assert stop_journey(shop.app, "bought").people == 1
    assert shop.passes() == [("ended", "stopped")]
    shop.after(8 * DAY)
    assert shop.rows("SELECT count(*) FROM messages") == [(0,)]
    with pytest.raises(NotFoundError, match="There is: bought"):
        stop_journey(shop.app, "boght")


AT_ONCE = {**FILES, "journeys/bought.yaml": BOUGHT.replace("{wait: 7d}, ", "")}


def test_what_comes_back_from_a_provider_meanwhile_is_held_back_too(brand: Make) -> None:
    shop = brand(AT_ONCE)
    shop.tell(call("Order Completed", messageId="1"))
    for halt, state in ((pause_journey, ("paused", None)), (stop_journey, ("refused", "recalled"))):
        halt(shop.app, "bought")
        with shop.app.ledger.write() as transaction:
            transaction.run("UPDATE messages SET state = 'queued'")  # deferred, or given back
            hold_back(transaction)
        assert shop.rows("SELECT state, reason FROM messages") == [state]


def test_a_journey_that_was_stopped_and_left_runs_when_it_is_added_again(brand: Make) -> None:
    shop = brand()
    stop_journey(shop.app, "bought")
    assert ("stopped", "journey", "bought") in shop.apply(FILES)
    shop.apply(NO_JOURNEY)
    assert shop.apply(FILES)[0] == ("add", "journey", "bought")
    shop.tell(call("Order Completed", messageId="1"))
    assert shop.passes() == [("active", None)]


def test_who_halted_a_journey_and_who_stands_where_is_told(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1"))
    pause_journey(shop.app, "bought", "ana")
    with shop.app.ledger.read() as transaction:
        told = describe_journey(transaction, "bought")
    assert (told["state"], told["people"]) == ("paused", 1)
    assert told["steps"] == {"steps[1] send hello": 1}
    assert told["changes"] == [{"state": "paused", "changed_at": MONDAY, "changed_by": "ana"}]


def test_a_change_says_who_stays_on_their_version(brand: Make) -> None:
    shop = brand()
    shop.tell(call("Order Completed", messageId="1"))
    (shop.folder / "journeys/bought.yaml").write_text(BOUGHT.replace("7d", "5d"))
    with shop.app.ledger.read() as transaction:
        (change,) = workspace.plan(transaction, shop.folder)
    assert change.why.startswith("1 people stand in it (steps[1] send hello: 1); 0 messages wait")


def test_the_policy_stays_while_a_message_may_come_back(brand: Make) -> None:
    shop = brand(AT_ONCE)
    shop.tell(call("Order Completed", messageId="1"))
    shop.after(HOUR)
    with shop.app.ledger.write() as transaction:
        transaction.run("UPDATE messages SET state = 'uncertain'")
    done = shop.apply({"metrics/sales.yaml": "metric: sales\nkind: conversion\nevent: Paid\n"})
    assert ("keep", "policy", "policy") in done
