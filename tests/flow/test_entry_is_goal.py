"""A journey whose entry is its goal or exit: what counts lies after the event of the entry."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, lift_of, publish, replay, size_of, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.stats import Fixed
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EMPTY: Mapping[str, str] = MappingProxyType({})
BOUGHT = "Order Completed"
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
LETTER = """---
subject: Hello
---
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
JOURNEY = """journey: again
topic: offers
entry: {event: Order Completed}
goal: {did: Order Completed, within: 30d}
steps:
  - wait: 2d
  - send: {template: hello}
"""


class Shop:
    """A home, its clock, and what its customers do."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder = app, clock, folder

    def apply(self, journey: str = JOURNEY, files: Mapping[str, str] = EMPTY) -> None:
        known = {"policy.yaml": POLICY, "templates/hello.html": LETTER}
        for name, text in {**known, "journeys/again.yaml": journey, **files}.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def hear(self, *events: tuple[str, str, datetime], history: bool = False) -> None:
        """One batch: of each event its id, its name and when it happened; all are Ana's."""
        calls = [
            {"type": "track", "userId": "ana", "messageId": key, "event": name}
            | {"timestamp": at.isoformat()}
            for key, name, at in events
        ]
        self.take(calls, history=history)

    def take(self, calls: list[dict[str, Any]], *, history: bool = False) -> None:
        body = collect(json.dumps({"batch": calls}).encode(), "batch")
        with self.app.ledger.write() as transaction:
            accepted = Accepted("app", self.clock.now(), body, history=history)
            events_store.accept(transaction, [accepted])
        absorb(self.app)

    def passages(self) -> list[tuple[datetime, str]]:
        """When each began, and how it stands."""
        with self.app.ledger.read() as transaction:
            rows = transaction.frame(
                "SELECT entered_at, coalesce(reason, state) AS state FROM enrollments"
                " ORDER BY entered_at, pass_number",
                pl.Schema({"entered_at": pl.Datetime("us", "UTC"), "state": pl.String()}),
            )
        return rows.rows()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    make_home(tmp_path / "home")
    clock = VirtualClock(NOON)
    app = open_app(tmp_path / "home", clock=clock)
    found = Shop(app, clock, tmp_path / "workspace")
    found.apply()
    yield found
    app.close()


def test_the_entry_is_no_goal_and_the_next_order_is(shop: Shop) -> None:
    shop.hear(("o1", BOUGHT, NOON - HOUR))
    assert shop.passages() == [(NOON - HOUR, "active")]
    shop.hear(("seen", "Page Seen", NOON))
    shop.hear(("o2", BOUGHT, NOON))
    assert shop.passages() == [(NOON - HOUR, "goal")]


def test_in_one_batch_in_whatever_order(shop: Shop) -> None:
    shop.hear(("o2", BOUGHT, NOON), ("o1", BOUGHT, NOON - HOUR))
    assert shop.passages() == [(NOON - HOUR, "goal")]


def test_another_order_of_the_same_instant_did_happen(shop: Shop) -> None:
    shop.hear(("o1", BOUGHT, NOON), ("o2", BOUGHT, NOON))
    assert shop.passages() == [(NOON, "goal")]


def test_what_happened_before_and_arrives_later_is_no_goal(shop: Shop) -> None:
    shop.hear(("o1", BOUGHT, NOON - HOUR))
    shop.hear(("o0", BOUGHT, NOON - 2 * HOUR))
    assert shop.passages() == [(NOON - HOUR, "active")]


def test_what_happened_after_and_arrived_before_is_one(shop: Shop) -> None:
    shop.apply(JOURNEY.replace("{event: Order Completed}", "{event: Cart Left}"))
    shop.hear(("o1", BOUGHT, NOON - HOUR))
    shop.hear(("c1", "Cart Left", NOON - 2 * HOUR))
    assert shop.passages() == [(NOON - 2 * HOUR, "goal")]


def test_the_entry_is_no_exit(shop: Shop) -> None:
    shop.apply(JOURNEY.replace("goal:", "exit:").replace(", within: 30d", ""))
    shop.hear(("o1", BOUGHT, NOON - HOUR))
    assert shop.passages() == [(NOON - HOUR, "active")]
    shop.hear(("o2", BOUGHT, NOON))
    assert shop.passages() == [(NOON - HOUR, "exit")]


def test_the_entry_does_not_count_among_several(shop: Shop) -> None:
    shop.apply(JOURNEY.replace("within: 30d", "at_least: 2"))
    shop.hear(("o1", BOUGHT, NOON - 2 * HOUR), ("o2", BOUGHT, NOON - HOUR))
    assert shop.passages() == [(NOON - 2 * HOUR, "active")]
    shop.hear(("o3", BOUGHT, NOON))
    assert shop.passages() == [(NOON - 2 * HOUR, "goal")]


def test_an_exit_that_asks_for_absence_waits_for_an_event(shop: Shop) -> None:
    shop.apply(JOURNEY.replace("goal:", "exit: {not: {did: Visit}}\ngoal:"))
    shop.hear(("o1", BOUGHT, NOON - HOUR))
    assert shop.passages() == [(NOON - HOUR, "active")]


@pytest.mark.parametrize("together", [True, False])
def test_a_goal_begins_the_next_passage(shop: Shop, together: bool) -> None:  # noqa: FBT001 - a table
    shop.apply(JOURNEY.replace("Order Completed}", "Order Completed, again: always}", 1))
    orders = [(f"o{i}", BOUGHT, NOON + (i - 3) * HOUR) for i in range(3)]
    if together:
        shop.hear(*reversed(orders))
    else:
        for order in orders:
            shop.hear(order)
    times = [at for _, _, at in orders]
    assert shop.passages() == [(times[0], "goal"), (times[1], "goal"), (times[2], "active")]


def test_an_order_within_a_passage_begins_none_after_its_end(shop: Shop) -> None:
    text = JOURNEY.replace("Order Completed}", "Order Completed, again: always}", 1)
    shop.apply(text.replace("goal: {did: Order Completed, within: 30d}", "exit: {did: Returned}"))
    shop.hear(
        ("o1", BOUGHT, NOON - 5 * HOUR),
        ("r1", "Returned", NOON - 3 * HOUR),
        ("o2", BOUGHT, NOON - 4 * HOUR),
        ("o3", BOUGHT, NOON - 2 * HOUR),
    )
    assert shop.passages() == [(NOON - 5 * HOUR, "exit"), (NOON - 2 * HOUR, "active")]


def test_a_late_order_may_come_before_one_that_lets_somebody_in(shop: Shop) -> None:
    text = JOURNEY.replace("Order Completed}", "Order Completed, again: always}", 1)
    shop.apply(text.replace("goal: {did: Order Completed, within: 30d}", "exit: {did: Returned}"))
    shop.hear(("o1", BOUGHT, NOON - 3 * HOUR), ("r1", "Returned", NOON - 2 * HOUR))
    shop.hear(("o0", BOUGHT, NOON - 4 * HOUR), ("o2", BOUGHT, NOON - HOUR))
    assert shop.passages() == [(NOON - 3 * HOUR, "exit"), (NOON - HOUR, "active")]


def test_a_replay_tells_the_same(shop: Shop) -> None:
    text = JOURNEY.replace("Order Completed}", "Order Completed, again: always}", 1)
    shop.apply(text.replace("wait: 2d", "wait: 90d"))
    orders = [NOON - (30 - 10 * day) * timedelta(days=1) for day in range(3)]
    shop.hear(*((f"o{i}", BOUGHT, at) for i, at in enumerate(orders)), history=True)
    clock = VirtualClock(orders[0])
    again = open_app(shop.app.home, clock=clock)
    replay(again, clock, end=NOON, step=HOUR, settle=False)
    again.close()
    states = ["goal", "goal", "active"]
    assert shop.passages() == list(zip(orders, states, strict=True))


def test_what_is_measured_lies_after_the_entry(shop: Shop) -> None:
    """Everybody is exposed at the very instant of their order, and one in four orders again."""
    at_once = JOURNEY.replace("  - wait: 2d\n", "").replace("topic:", "holdout: 50%\ntopic:")
    shop.apply(at_once)
    calls = [
        {"type": "track", "userId": f"u{i}", "event": BOUGHT, "messageId": f"{i}-{hour}"}
        | {"timestamp": (NOON + hour * HOUR).isoformat()}
        for i in range(400)
        for hour in ([0, 1] if i % 4 == 0 else [0])
    ]
    shop.take([call for call in calls if call["messageId"].endswith("-0")])
    tick(shop.app)
    shop.clock.move(NOON + HOUR)
    shop.take([call for call in calls if call["messageId"].endswith("-1")])
    shop.clock.move(NOON + timedelta(days=31))
    publish(shop.app)
    lift = lift_of(shop.app, "again", Fixed())
    (compared,) = lift.comparisons
    assert compared.control_mean == pytest.approx(0.25, abs=0.1)
    assert compared.arm_mean == pytest.approx(0.25, abs=0.1)


def test_the_past_is_walked_alike(shop: Shop) -> None:
    """Of 140 customers 35 order again before the test; the 105 others come to it."""
    experiment = """experiment: tried
owner: ana@brand.example
arms: {control: 1, free: 1}
plan:
  hypothesis: It helps.
  primary: bought
  minimal_effect: 10%
  history: 14d
  longest: 90d
  decisions: {better: "Yes.", worse: "No.", not_significant: It stays.}
"""
    metric = "metric: bought\nkind: conversion\nevent: Page Seen\nwithin: 2d\n"
    steps = "  - test: tried\n  - send: {template: hello}\n"
    files = {"experiments/tried.yaml": experiment, "metrics/bought.yaml": metric}
    shop.apply(JOURNEY.replace("  - send: {template: hello}\n", steps), files)
    calls: list[dict[str, Any]] = []
    for i in range(280):
        came = NOON - timedelta(days=4, hours=1) - timedelta(days=i // 10)
        known = {"type": "track", "userId": f"u{i}", "event": BOUGHT}
        moments = [came, came + timedelta(days=1)] if i % 4 == 0 else [came]
        calls += [
            known | {"messageId": f"{i}-{n}", "timestamp": at.isoformat()}
            for n, at in enumerate(moments)
        ]
        seen = {"event": "Page Seen", "messageId": f"{i}-seen"}
        if i % 2:
            calls.append(known | seen | {"timestamp": (came + timedelta(days=3)).isoformat()})
    shop.take(calls, history=True)
    found = size_of(shop.app, "tried")
    assert found.people_seen == pytest.approx(105, abs=3)
