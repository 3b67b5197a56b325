"""The life of a pilot on a real home: planned, frozen, run, judged, ended, remembered."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import (
    absorb,
    assess_pilots,
    assigned,
    listed,
    night,
    plan_beside_fact,
    size_of,
    start_pilot,
    stop_pilot,
    tick,
)
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError, DefinitionError, InputError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import store as experiments_store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAST = 200
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
BOUGHT = "metric: bought\nkind: conversion\nevent: Order Completed\nwithin: 2d\n"
COMPLAINED = """metric: complained
kind: conversion
event: Complaint Filed
within: 2d
better: lower
"""
EXPERIMENT = """experiment: free-shipping
owner: ana@brand.example
arms: {control: 1, free: 1}
traffic: {traffic}
plan:
  hypothesis: People who pay no shipping buy more often.
  primary: bought
  minimal_effect: {effect}
  guardrails: [{metric: complained, harm: 0.05}]
  history: 20d
  longest: 30d
  stops: [harm, futility]
  decisions:
    better: Free shipping for everybody.
    worse: Never again.
    not_significant: Shipping stays as it is.
"""
JOURNEY = """journey: nudge
topic: offers
entry: {event: Signed Up}
steps:
  - test: free-shipping
  - send: {template: "nudge-{{arm}}"}
"""
TEMPLATE = """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""


class World:
    """A home with a past, its clock, its workspace folder and what clients call."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder = app, clock, folder
        self._calls = 0
        self._waiting: list[dict[str, Any]] = []

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def experiment(self, traffic: str = "100%", effect: str = "20%") -> None:
        text = EXPERIMENT.replace("{traffic}", traffic).replace("{effect}", effect)
        self.write("experiments/free-shipping.yaml", text)

    def apply(self) -> None:
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def track(self, user: str, event: str, at: datetime | None = None, **properties: Any) -> None:  # noqa: ANN401 - JSON
        moment = (at or self.clock.now()).isoformat()
        body = {"type": "track", "userId": user, "event": event, "timestamp": moment}
        self.call(body | {"properties": properties})

    def call(self, body: dict[str, Any]) -> None:
        self._calls += 1
        self._waiting.append(body | {"messageId": f"call-{self._calls}"})

    def join(self, *users: str) -> None:
        for user in users:
            self.track(user, "Signed Up")
        self.go()

    def go(self, **ahead: float) -> None:
        batch = json.dumps({"batch": self._waiting}).encode()
        with self.app.ledger.write() as transaction:
            accepted = Accepted("app", self.clock.now(), collect(batch, "batch"))
            events_store.accept(transaction, [accepted])
        self._waiting.clear()
        self.clock.move(self.clock.now() + timedelta(**ahead))
        absorb(self.app)
        tick(self.app)

    def arms(self, *users: str) -> dict[str, str]:
        return {one.person: one.arm for one in assigned(self.app, "free-shipping", users)}

    def exposed(self) -> dict[str, int]:
        with self.app.ledger.read() as transaction:
            return dict(experiments_store.counts(transaction).get("free-shipping", {}))

    def said(self) -> dict[str, int]:
        with self.app.ledger.read() as transaction:
            rows = transaction.rows(
                "SELECT template, count(*) AS messages FROM messages GROUP BY template"
            )
        return {row["template"]: row["messages"] for row in rows}

    def facts(self) -> dict[str, dict[str, Any]]:
        return {row["figure"]: row for row in plan_beside_fact(self.app, "free-shipping")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    make_home(tmp_path / "home")
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock)
    found = World(app, clock, tmp_path / "workspace")
    for name, text in {
        "policy.yaml": POLICY,
        "metrics/bought.yaml": BOUGHT,
        "metrics/complained.yaml": COMPLAINED,
        "journeys/nudge.yaml": JOURNEY,
        "templates/nudge-control.html": TEMPLATE,
        "templates/nudge-free.html": TEMPLATE,
    }.items():
        found.write(name, text)
    found.experiment()
    found.apply()
    yield found
    app.close()


def remember(world: World) -> None:
    """Ten people a day came in the twenty days that end two days ago; three of ten bought."""
    for i in range(PAST):
        came = START - timedelta(days=2 + i // 10, hours=1)
        world.track(f"past{i}", "Signed Up", came)
        if i % 10 < 3:
            world.track(f"past{i}", "Order Completed", came + timedelta(hours=5), total=10 + i % 7)
    world.go()


def users(stem: str, number: int) -> list[str]:
    return [f"{stem}{i}" for i in range(number)]


def buy(
    world: World, arm: str, names: list[str], every: int, event: str = "Order Completed"
) -> None:
    """Of those in an arm the first of every so many do something."""
    mine = [name for name, one in world.arms(*names).items() if one == arm]
    for name in mine[::every]:
        world.track(name, event, total=10)


def begun(world: World, number: int, **every: int) -> list[str]:
    """A pilot that so many came to; in each arm the first of every so many bought."""
    start_pilot(world.app, "free-shipping", people=5_000)
    people = users("u", number)
    world.join(*people)
    for arm, each in every.items():
        buy(world, arm, people, each)
    return people


def test_a_plan_is_sized_by_what_people_like_these_did(world: World) -> None:
    remember(world)
    found = size_of(world.app, "free-shipping")
    assert found.people_seen == PAST
    assert found.baseline == pytest.approx(0.3)
    assert found.deviation == pytest.approx((0.3 * 0.7 * PAST / (PAST - 1)) ** 0.5)
    assert found.effect == pytest.approx(0.06)
    assert found.people_a_day == pytest.approx(10)
    fixed, always = found.needed
    textbook = (1.959964 + 0.841621) ** 2 * 2 * (0.3 * 0.7 + 0.36 * 0.64) / 0.06**2
    assert fixed.people == pytest.approx(textbook, rel=0.01)
    assert fixed.days == pytest.approx(textbook / 10 + 2, abs=2)
    assert always.people > fixed.people


def test_without_a_history_there_is_no_start_but_by_hand(world: World) -> None:
    with pytest.raises(DataError, match="--people N"):
        start_pilot(world.app, "free-shipping")
    start_pilot(world.app, "free-shipping", people=500)
    facts = world.facts()
    assert (facts["people"]["planned"], facts["people"]["actual"]) == (500, 0)
    assert facts["baseline"]["planned"] is None


def test_what_has_no_plan_is_neither_started_nor_stopped(world: World) -> None:
    text = (world.folder / "experiments/free-shipping.yaml").read_text(encoding="utf-8")
    world.write("experiments/free-shipping.yaml", text.partition("plan:")[0])
    world.apply()
    with pytest.raises(DefinitionError, match="has no plan"):
        stop_pilot(world.app, "free-shipping")
    with pytest.raises(DefinitionError, match="has no plan"):
        start_pilot(world.app, "free-shipping", people=500)


def test_the_whole_life_of_a_pilot(world: World) -> None:
    remember(world)
    early, people = users("early", 20), users("u", 100)
    world.join(*early)
    assert set(world.arms(*early).values()) == {"control"}
    assert world.exposed() == {}
    assert [one.state for one in listed(world.app)] == ["draft"]

    standing = start_pilot(world.app, "free-shipping")
    assert json.loads(standing.plan)["baseline"] == pytest.approx(0.3)
    with pytest.raises(InputError, match="was started on 2026-03-02"):
        start_pilot(world.app, "free-shipping")
    world.experiment(traffic="100%", effect="1%")
    with pytest.raises(DefinitionError, match="plan"):
        world.apply()
    world.experiment()

    world.join(*people)
    arms = world.arms(*people)
    exposed = world.exposed()
    assert exposed == {arm: list(arms.values()).count(arm) for arm in ("control", "free")}
    assert sum(exposed.values()) == 100
    buy(world, "control", people, 3)
    buy(world, "free", people, 3)
    world.go(days=3)

    facts = world.facts()
    assert facts["people"]["actual"] == 100
    assert facts["people"]["ok"] is None
    assert facts["days"]["actual"] == pytest.approx(3)
    assert facts["baseline"]["planned"] == pytest.approx(0.3)
    assert facts["baseline"]["actual"] == pytest.approx(1 / 3, abs=0.02)
    assert facts["effect"]["planned"] == pytest.approx(0.06)
    assert facts["effect"]["low"] < 0 < facts["effect"]["high"]
    assert facts["guardrail"]["planned"] == 0.05
    night(world.app)
    assert [one.state for one in listed(world.app)] == ["running"]

    ended = stop_pilot(world.app, "free-shipping", learned="Shipping matters to new buyers only.")
    assert ended.kept == "control"
    assert ended.verdict is not None
    assert "Shipping stays as it is." in ended.verdict
    with world.app.ledger.read() as transaction:
        (learning,) = experiments_store.learnings(transaction, "SHIPPING buyers")
        assert experiments_store.learnings(transaction, "nonsense") == []
    assert learning.hypothesis == "People who pay no shipping buy more often."
    assert json.loads(learning.result)["comparisons"]

    assert world.facts()["people"]["ok"] is False
    late = users("late", 20)
    world.join(*late)
    assert set(world.arms(*late, *people).values()) == {"control"}
    assert sum(world.exposed().values()) == 100
    with pytest.raises(InputError, match="does not run"):
        stop_pilot(world.app, "free-shipping")


def test_traffic_may_grow_and_moves_nobody(world: World) -> None:
    remember(world)
    world.experiment(traffic="30%")
    world.apply()
    start_pilot(world.app, "free-shipping")
    people = users("u", 100)
    world.join(*people)
    before = assigned(world.app, "free-shipping", people)
    assert {one.reason for one in before} == {"exposed_before", "outside_traffic"}
    inside = {one.person: one.arm for one in before if one.takes_part}
    assert 15 < len(inside) < 50
    world.experiment(traffic="100%")
    world.apply()
    after = assigned(world.app, "free-shipping", people)
    assert {one.reason for one in after} == {"exposed_before", "chance"}
    assert inside.items() <= {one.person: one.arm for one in after}.items()


def test_the_kept_arm_is_for_everybody(world: World) -> None:
    start_pilot(world.app, "free-shipping", people=500)
    with pytest.raises(InputError, match=r"no arm 'fre'; its arms: control, free"):
        stop_pilot(world.app, "free-shipping", keep="fre")
    stop_pilot(world.app, "free-shipping", keep="free")
    people = users("late", 10)
    world.join(*people)
    assert set(world.arms(*people).values()) == {"free"}
    assert set(world.said()) == {"nudge-free"}
    assert world.exposed() == {}
    assert {one.reason for one in assigned(world.app, "free-shipping", people)} == {"stopped"}


def test_harm_ends_a_pilot_at_night(world: World) -> None:
    people = begun(world, 400, control=3, free=3)
    buy(world, "free", people, 2, "Complaint Filed")
    world.go(days=3)
    assess_pilots(world.app)
    with world.app.ledger.read() as transaction:
        standing = experiments_store.standings(transaction)["free-shipping"]
        (learning,) = experiments_store.learnings(transaction, "complained")
    assert standing.kept == "control"
    assert standing.stopped_at == world.clock.now()
    assert standing.verdict == learning.verdict
    assert "harm" in learning.verdict
    late = users("late", 10)
    world.join(*late)
    assert set(world.arms(*late).values()) == {"control"}


def test_futility_ends_a_pilot_that_says_so(world: World) -> None:
    world.experiment(effect="0.5")
    world.apply()
    begun(world, 300, control=4, free=4)
    world.go(days=3)
    assess_pilots(world.app)
    with world.app.ledger.read() as transaction:
        (learning,) = experiments_store.learnings(transaction)
    assert "futility" in learning.verdict
    assert "Shipping stays as it is." in learning.verdict


def test_arms_of_the_wrong_size_end_a_pilot_that_says_so(world: World) -> None:
    text = (world.folder / "experiments/free-shipping.yaml").read_text(encoding="utf-8")
    world.write("experiments/free-shipping.yaml", text.replace("harm, futility", "sample_ratio"))
    world.apply()
    begun(world, 400, control=4, free=4)
    with world.app.ledger.write() as transaction:
        transaction.run("DELETE FROM exposures WHERE arm = 'free' AND exposure_id % 4 > 0")
    world.go(days=3)
    assess_pilots(world.app)
    row = world.facts()["sample_ratio"]
    assert (row["actual"] < row["planned"], row["ok"]) == (True, False)
    with world.app.ledger.read() as transaction:
        (learning,) = experiments_store.learnings(transaction)
    assert learning.verdict.startswith("Ended by its plan (sample_ratio). unknown:")
    assert [one.state for one in listed(world.app)] == ["stopped"]


def test_success_alone_does_not_end_a_pilot(world: World) -> None:
    begun(world, 400, control=10, free=1)
    world.go(days=3)
    assess_pilots(world.app)
    assert [one.state for one in listed(world.app)] == ["running"]
    assert world.facts()["effect"]["ok"] is True
    ended = stop_pilot(world.app, "free-shipping", keep="free")
    assert ended.verdict is not None
    assert "Free shipping for everybody." in ended.verdict


def test_a_pilot_ends_when_its_time_is_over(world: World) -> None:
    begun(world, 40, control=3, free=3)
    world.go(days=29)
    assess_pilots(world.app)
    assert [one.state for one in listed(world.app)] == ["running"]
    world.go(days=1)
    assess_pilots(world.app)
    assess_pilots(world.app)
    with world.app.ledger.read() as transaction:
        (learning,) = experiments_store.learnings(transaction)
    assert "Shipping stays as it is." in learning.verdict
    assert [one.state for one in listed(world.app)] == ["stopped"]


def test_a_pilot_that_reached_nobody_ends_without_a_claim(world: World) -> None:
    start_pilot(world.app, "free-shipping", people=5_000)
    assess_pilots(world.app)
    ended = stop_pilot(world.app, "free-shipping")
    assert ended.verdict is not None
    assert "nothing could be compared" in ended.verdict.lower()
