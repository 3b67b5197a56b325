"""The days that a plan forecasts beside the days that it takes, on simulated lives.

What lies before the test takes out more than two thirds of those who take the way in, so that a
forecast that forgets any of it misses by far more than the margin.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, size_of, start_pilot, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import store as experiments_store

START = datetime(2026, 3, 30, tzinfo=UTC)
PAST_DAYS = 32
A_DAY = 130
TO_RESPOND = 2
MARGIN = 0.1
MOST_DAYS = 60
STEP = timedelta(hours=12)
FILES = {
    "policy.yaml": "sender: {name: Brand, address: hello@brand.example}\n"
    "postal_address: 1 Example Street\n"
    "holdouts: {universal: 5%, programs: {carts: 10%}}\n",
    "templates/hello.html": "---\nsubject: Hello\n---\n<p>{{ postal_address }}"
    ' <a href="{{ unsubscribe_url }}">stop</a></p>\n',
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Order Completed\nwithin: 2d\n",
    "experiments/tried.yaml": """experiment: tried
owner: ana@brand.example
arms: {control: 1, free: 1}
traffic: 60%
plan:
  hypothesis: It helps.
  primary: bought
  minimal_effect: 0.18
  history: 28d
  longest: 90d
  decisions: {better: Yes., worse: No., not_significant: It stays.}
""",
    "journeys/nudge.yaml": """journey: nudge
topic: offers
program: carts
holdout: 20%
entry: {event: Cart Left, if: {not: {did: Order Completed, within: 7d}}, again: 30d}
goal: {did: Order Completed, within: 7d}
steps:
  - wait: 1d
  - branch: [{if: {did: Support Asked, within: 2d}, then: [exit]}]
  - test: tried
  - send: {template: hello}
""",
}


class Life:
    """A home in which about as many people leave a cart on every day, before and after today."""

    def __init__(self, app: App, clock: VirtualClock, seed: int) -> None:
        self.app, self.clock = app, clock
        self.random = np.random.default_rng(seed)
        self.later: list[dict[str, Any]] = []
        self.people, self.told = 0, START - timedelta(days=PAST_DAYS)

    def until(self, end: datetime) -> list[dict[str, Any]]:
        """What happens before an instant, also to people who left their cart earlier."""
        length = end - self.told
        for _ in range(self.random.poisson(A_DAY * (length / timedelta(days=1)))):
            self.later += self.cart(self.told + length * self.random.random())
        self.told = end
        moment = end.isoformat(timespec="microseconds")
        now = [one for one in self.later if one["timestamp"] < moment]
        self.later = [one for one in self.later if one["timestamp"] >= moment]
        return now

    def cart(self, at: datetime) -> Iterator[dict[str, Any]]:
        """Three of ten bought the day before; then two of ten buy, and one of ten asks, at once.

        Three of ten buy in the days after the test.
        """
        self.people += 1
        chance = self.random.random(4)
        happened = [("Cart Left", 0.0, True), ("Order Completed", -1 / 24, chance[0] < 0.3)]
        happened += [("Order Completed", 0.7, chance[1] < 0.2)]
        happened += [("Support Asked", 0.6, chance[2] < 0.1)]
        happened += [("Order Completed", 1.2 + self.random.random(), chance[3] < 0.3)]
        for number, (event, days, really) in enumerate(happened):
            if really:
                moment = (at + timedelta(days=days)).isoformat(timespec="microseconds")
                one = {"type": "track", "userId": f"u{self.people}", "event": event}
                yield one | {"timestamp": moment, "messageId": f"{self.people}-{number}"}

    def hear(self, calls: list[dict[str, Any]]) -> None:
        """Take calls in, in the order of their time."""
        ordered = sorted(calls, key=lambda one: one["timestamp"])
        for first in range(0, len(ordered), 1_000):
            part = json.dumps({"batch": ordered[first : first + 1_000]}).encode()
            accepted = Accepted("app", self.clock.now(), collect(part, "batch"))
            with self.app.ledger.write() as transaction:
                events_store.accept(transaction, [accepted])
        absorb(self.app)

    def exposed(self) -> int:
        """How many people came to the test."""
        with self.app.ledger.read() as transaction:
            return sum(experiments_store.counts(transaction).get("tried", {}).values())


def missed_by(folder: Path, seed: int) -> float:
    """How much later the planned people were there than was forecast, as a share."""
    make_home(folder / "home")
    clock = VirtualClock(START)
    app = open_app(folder / "home", clock=clock)
    life = Life(app, clock, seed)
    life.hear(life.until(START))
    for name, text in FILES.items():
        path = folder / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder / "workspace", START)
    needed = size_of(app, "tried").needed[-1]
    start_pilot(app, "tried")
    days = 0
    while life.exposed() < needed.people and days < MOST_DAYS:
        for _ in range(2):
            calls = life.until(clock.now() + STEP)
            clock.move(clock.now() + STEP)
            life.hear(calls)
            tick(app)
        days += 1
    app.close()
    assert needed.days is not None
    return (days + TO_RESPOND) / needed.days - 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_pilot_has_its_people_when_its_plan_says(tmp_path: Path, seed: int) -> None:
    assert abs(missed_by(tmp_path, seed)) < MARGIN
