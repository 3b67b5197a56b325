"""Which people of the past a pilot's size counts: those who would have come to its test."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, size_of, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.lift.size import Size

NOW = datetime(2026, 3, 31, tzinfo=UTC)
PEOPLE = 240
SENDER = """sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
EXPERIMENT = """experiment: tried
owner: ana@brand.example
arms: {control: 1, free: 1}
plan:
  hypothesis: It helps.
  primary: bought
  minimal_effect: 10%
  history: 14d
  longest: 90d
  decisions: {better: Yes., worse: No., not_significant: It stays.}
"""
FILES = {
    "templates/hello.html": "---\nsubject: Hello\n---\n<p>{{ postal_address }}"
    ' <a href="{{ unsubscribe_url }}">stop</a></p>\n',
    "audiences/left.yaml": "audience: left\nwhen: {did: Cart Left}\n",
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Order Completed\nwithin: 2d\n",
    "experiments/tried.yaml": EXPERIMENT,
}


class Past:
    """A home whose people left a cart, twelve a day for twenty days, by rules of their number."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder = app, clock, folder

    def live(self) -> None:
        calls = [call for i in range(PEOPLE) for call in _calls(i)]
        self.hear(one | {"messageId": str(i)} for i, one in enumerate(calls))

    def hear(self, calls: Iterable[dict[str, Any]]) -> None:
        body = collect(json.dumps({"batch": list(calls)}).encode(), "batch")
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [Accepted("app", self.app.clock.now(), body)])
        absorb(self.app)

    def run(self, days: int) -> None:
        """Five people a day leave a cart, the same in each run; one of yesterday's buys."""
        for day in range(days):
            now = self.app.clock.now()
            users = [f"new{day}-{i}" for i in range(5)]
            told = {"type": "track", "event": "Cart Left", "timestamp": now.isoformat()}
            calls = [told | {"userId": one, "messageId": f"{one} {now}"} for one in users]
            order = {"event": "Order Completed", "userId": f"new{day - 1}-0", "messageId": f"{now}"}
            self.hear([*calls, told | order])
            for _ in range(2):
                tick(self.app)
                self.clock.move(self.clock.now() + timedelta(hours=12))

    def sized(self, steps: str = "", **given: str) -> Size:
        """The size with these steps before the test; ``given`` are other lines of the journey."""
        self.apply(steps, **given)
        return size_of(self.app, "tried")

    def apply(self, steps: str = "", policy: str = "", **given: str) -> None:
        lines = {"topic": "offers", "entry": "{event: Cart Left}"} | given
        head = "".join(f"{name}: {text}\n" for name, text in lines.items())
        body = f"steps:\n{steps}  - test: tried\n  - send: {{template: hello}}\n"
        files = FILES | {
            "policy.yaml": SENDER + policy,
            "journeys/nudge.yaml": f"journey: nudge\n{head}{body}",
        }
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.app.clock.now())


def _calls(i: int) -> Iterator[dict[str, Any]]:
    """Every second bought a day before the cart; every third 12 hours, every seventh 30 after it.

    Every fourth saw a page two hours after.
    """
    came = NOW - timedelta(days=2 + i // 12, hours=1)
    traits = {"plan": "pro" if i % 4 == 0 else "free"}
    yield {"type": "identify", "userId": f"u{i}", "traits": traits, "timestamp": came.isoformat()}
    happened = [("Cart Left", 0.0, True), ("Order Completed", -24, i % 2 == 0)]
    happened += [("Order Completed", 12, i % 3 == 0), ("Order Completed", 30, i % 7 == 0)]
    happened += [("Page Seen", 2, i % 4 == 0)]
    for event, hours, really in happened:
        at = came + timedelta(hours=hours)
        if really and at < NOW:
            yield {"type": "track", "userId": f"u{i}", "event": event, "timestamp": at.isoformat()}


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    make_home(tmp_path / "home")
    clock = VirtualClock(NOW)
    app = open_app(tmp_path / "home", clock=clock)
    found = Past(app, clock, tmp_path / "workspace")
    found.live()
    yield found
    app.close()


CAME = 14 * 12
"""The people of the fourteen days of the look-back."""


def test_without_conditions_everybody_counts(past: Past) -> None:
    found = past.sized()
    assert found.people_seen == CAME
    assert found.people_a_day == pytest.approx(12)
    assert found.baseline == pytest.approx(3 / 7)
    assert (found.left_alone, found.left_out) == (0, ())
    assert found.counted[0] == "2026-03-15 to 2026-03-29"


def test_the_condition_of_the_entry_is_asked_as_of_then(past: Past) -> None:
    found = past.sized(entry="{event: Cart Left, if: {not: {did: Order Completed, within: 7d}}}")
    assert found.people_seen == CAME / 2
    assert found.people_a_day == pytest.approx(6, rel=0.05)
    assert "84 of them met its condition" in found.counted[1]
    with pytest.raises(DataError, match="0 of them met its condition"):
        past.sized(entry="{event: Cart Left, if: {did: Order Completed, within: 12h}}")
    ever = past.sized(
        entry="{event: Cart Left, if: {sequence: [{did: Order Completed}, {did: Cart Left}]}}"
    )
    assert ever.people_seen == CAME / 2


def test_traits_are_asked_as_they_are_now_and_that_is_said(past: Past) -> None:
    found = past.sized(entry="{event: Cart Left, if: {trait: plan, is: pro}}")
    assert found.people_seen == CAME / 4
    assert found.left_out == ("traits of the past: nudge asks for them as they are now",)


def test_waits_and_branches_before_the_test_are_walked(past: Past) -> None:
    steps = """  - wait: 6h
  - branch:
    - {if: {did: Page Seen}, then: [exit]}
    - {if: {did: Order Completed, within: 40h}, then: [{wait: 1d}]}
"""
    found = past.sized(steps)
    assert found.people_seen == CAME * 3 / 4
    assert found.people_a_day == pytest.approx(9, rel=0.05)
    assert found.baseline == pytest.approx(1 / 2 * 3 / 7 / 0.75)


def test_whom_a_goal_or_an_exit_takes_out_does_not_come(past: Past) -> None:
    goal = past.sized("  - wait: 1d\n", goal="{did: Order Completed, within: 7d}")
    assert goal.people_seen == CAME * 2 / 3
    assert goal.baseline == pytest.approx(1 / 7)
    short = past.sized("  - wait: 1d\n", goal="{did: Order Completed, within: 6h}")
    assert short.people_seen == CAME
    gone = past.sized("  - wait: 1d\n", exit="{did: Page Seen}")
    assert gone.people_seen == CAME * 3 / 4


def test_another_test_may_lead_people_past_it(past: Past) -> None:
    steps = """  - test: {name: other, arms: {near: 1, far: 1}, then: {far: [exit]}}
"""
    assert past.sized(steps).people_seen == pytest.approx(CAME / 2, rel=0.2)


def test_waiting_costs_days_and_the_outcome_counts_from_the_test_on(past: Past) -> None:
    at_once, later = past.sized(), past.sized("  - wait: 4h\n")
    assert later.baseline == at_once.baseline
    (fixed, _), (waiting, _) = at_once.needed, later.needed
    assert fixed.days is not None
    assert waiting.days == fixed.days + 1


def test_holdouts_slow_a_pilot_down(past: Past) -> None:
    policy = "holdouts: {universal: 10%, programs: {carts: 20%}}\nservice_topics: [receipts]\n"
    found = past.sized(policy=policy, program="carts", holdout="50%")
    assert found.people_seen == CAME
    assert found.left_alone == pytest.approx(1 - 0.9 * 0.8 * 0.5)
    assert found.people_a_day == pytest.approx(12 * 0.36)
    free = past.sized(policy=policy, program="carts", topic="receipts")
    assert free.left_alone == 0
    assert found.needed[0].people == free.needed[0].people
    ratio = (found.needed[0].days or 0) / (free.needed[0].days or 1)
    assert ratio == pytest.approx(1 / 0.36, rel=0.1)


def test_where_the_journey_ran_those_count_who_passed_its_test(past: Past) -> None:
    past.apply("  - wait: 1h\n")
    past.run(15)
    found = past.sized("  - wait: 1h\n")
    assert found.people_seen == 13 * 5
    assert found.counted[1] == "nudge: 65 people passed the test"
    assert found.people_a_day == pytest.approx(5)
    other = past.sized("  - wait: 2h\n")
    assert "came to the test" in other.counted[1]


def test_who_may_not_enter_again_does_not_come(past: Past) -> None:
    past.apply("  - wait: 1h\n")
    past.run(5)
    past.clock.move(past.clock.now() + timedelta(days=30))
    past.run(5)
    past.clock.move(past.clock.now() + timedelta(days=3))
    assert past.sized(entry="{event: Cart Left, again: 1d}").people_seen == 25
    with pytest.raises(DataError, match="25 people did Cart Left, 0 could enter"):
        past.sized(entry="{event: Cart Left, again: never}")


def test_who_was_taken_out_may_come_again(past: Past) -> None:
    """Twenty buy at once, so that the first passage ends; ten leave a cart again three days on."""
    began = NOW - timedelta(days=13)
    carts = [("Cart Left", 0, 20), ("Order Completed", 6, 20), ("Cart Left", 72, 10)]
    past.hear(
        {
            "type": "track",
            "userId": f"back{i}",
            "event": event,
            "messageId": f"{event} {hours} {i}",
            "timestamp": (began + timedelta(hours=hours)).isoformat(),
        }
        for event, hours, people in carts
        for i in range(people)
    )
    given = {"steps": "  - wait: 1d\n", "goal": "{did: Order Completed, within: 2d}"}
    once = past.sized(**given, entry="{event: Cart Left}")
    again = past.sized(**given, entry="{event: Cart Left, again: 3d}")
    assert again.people_seen == once.people_seen + 10
    rested = past.sized(**given, entry="{event: Cart Left, again: 4d}")
    assert rested.people_seen == once.people_seen


def test_the_pace_is_that_of_everybody_who_came(past: Past) -> None:
    """One early bird 47 hours before the end, and fifty in the hours that follow."""
    end = NOW - timedelta(days=2)
    visits = {"early": 47} | {f"late{i}": 10 for i in range(50)}
    past.hear(
        {
            "type": "track",
            "userId": user,
            "event": "Cart Found",
            "messageId": user,
            "timestamp": (end - timedelta(hours=hours)).isoformat(),
        }
        for user, hours in visits.items()
    )
    bought = {"event": "Order Completed", "userId": "early", "timestamp": end.isoformat()}
    past.hear([{"type": "track", "messageId": "order"} | bought])
    found = past.sized(entry="{event: Cart Found}")
    assert found.people_seen == 51
    assert found.people_a_day == pytest.approx(51 / 2)


def test_an_audience_counts_who_joins(past: Past) -> None:
    found = past.sized(entry="{audience: left}")
    assert found.people_seen == PEOPLE
