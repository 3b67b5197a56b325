"""People are in the segment that they were in when they were exposed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, lift_in_full, tick
from courtesy.ground.lake import Table
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.ids import digest
from courtesy.ground.stats import Fixed
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSED
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Lift

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
COLOUR = """
experiment: colour
arms: {blue: 1, green: 1}
metrics: [bought]
segments: [plan]
strata: tier
"""
JOURNEY = """
journey: welcome
topic: offers
entry: {event: Signed Up}
steps:
  - test: shipping
  - wait: 1d
"""
MAILING = """
experiment: mailing
observed:
  at: 2026-03-02T09:00:00Z
  within: 1h
  arms: {mailed: {did: Mail Received}}
  control: nothing
  randomised: true
metrics: [bought]
segments: [plan]
"""
FILES = {
    "policy.yaml": POLICY,
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Bought\nwithin: 1h\n",
    "experiments/colour.yaml": COLOUR,
    "experiments/shipping.yaml": COLOUR.replace("colour", "shipping"),
    "experiments/plain.yaml": "experiment: plain\narms: {blue: 1, green: 1}\n",
    "experiments/mailing.yaml": MAILING,
    "journeys/welcome.yaml": JOURNEY,
}
ALIKE = {"pro": 600, "free": 600}


class World:
    """A home with experiments, and what clients tell it."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder, self.calls = app, clock, folder, 0

    def put(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def tell(self, *calls: dict[str, Any]) -> None:
        batch = [{"messageId": f"call-{self.calls + n}", **call} for n, call in enumerate(calls)]
        self.calls += len(calls)
        body = json.dumps({"batch": batch}).encode()
        accepted = Accepted("shop", self.clock.now(), collect(body, "batch"))
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [accepted])
        absorb(self.app)

    def go(self, length: timedelta) -> None:
        self.clock.move(self.clock.now() + length)

    def kept(self) -> dict[tuple[str, str], Any]:
        """What exposures keep of each person, by experiment."""
        with self.app.ledger.read() as transaction:
            rows = experiments_store.since(transaction, 0, 10_000)
        return {
            (name, person): traits and json.loads(traits)
            for name, person, traits in rows.select("experiment", "person_id", "traits").iter_rows()
        }

    def lift(self, *by: str, name: str = "colour") -> Lift:
        return lift_in_full(self.app, name, Fixed(), by=by)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    make_home(tmp_path / "home")
    clock = VirtualClock(NOW)
    app = open_app(tmp_path / "home", clock=clock)
    found = World(app, clock, tmp_path / "workspace")
    found.put(FILES)
    yield found
    app.close()


def person(user: str) -> str:
    return digest("user_id", user)


def view(user: str, at: datetime = NOW, arm: str = "blue", name: str = "colour") -> dict[str, Any]:
    said = {"experiment_id": name, "variation_id": arm}
    return call(user, at, type="track", event="Experiment Viewed", properties=said)


def traits(user: str, at: datetime = NOW, **told: object) -> dict[str, Any]:
    return call(user, at, type="identify", traits=told)


def call(user: str, at: datetime = NOW, **more: object) -> dict[str, Any]:
    return {"userId": user, "timestamp": at.isoformat(), **more}


def told(lift: Lift) -> list[str]:
    return [notice.detail for notice in lift.warnings if notice.name == "segments_now"]


def test_a_view_keeps_the_traits_of_its_moment(world: World) -> None:
    world.tell(traits("ann", NOW - HOUR, plan="pro", tier=1, name="Ann"))
    world.tell(view("ann"), view("ann", name="plain"), view("bob"))
    world.tell(traits("ann", plan="free"), traits("bob", plan="free"))
    assert world.kept() == {
        ("colour", person("ann")): {"plan": "pro", "tier": 1},
        ("plain", person("ann")): None,
        ("colour", person("bob")): {"plan": None, "tier": None},
    }


def test_one_batch_tells_before_and_after_a_view(world: World) -> None:
    world.tell(traits("cid", NOW - 2 * HOUR, plan="old"))
    world.tell(
        traits("ann", NOW - HOUR, plan="pro"),
        view("ann", NOW - HOUR / 2),
        traits("ann", plan="free"),
        view("bob", NOW - HOUR / 2),
        traits("bob", plan="free"),
        view("cid", NOW - HOUR / 2),
        traits("cid", plan="free"),
    )
    found = {user: world.kept()["colour", person(user)]["plan"] for user in ("ann", "bob", "cid")}
    assert found == {"ann": "pro", "bob": None, "cid": "old"}


def test_a_view_that_comes_late_keeps_nothing_that_was_told_since(world: World) -> None:
    world.tell(traits("ann", plan="free"), traits("ann", NOW - 2 * HOUR, tier=1))
    world.tell(view("ann", NOW - HOUR))
    assert world.kept() == {("colour", person("ann")): {"tier": 1}}


def test_a_test_in_a_journey_keeps_the_traits_of_its_moment(world: World) -> None:
    world.tell(traits("ann", plan="pro"), call("ann", type="track", event="Signed Up"))
    tick(world.app)
    world.tell(traits("ann", plan="free"))
    world.go(2 * HOUR)
    tick(world.app)
    assert world.kept() == {("shipping", person("ann")): {"plan": "pro", "tier": None}}


def a_month(world: World, people: int = 1_200) -> None:
    """Half of them pro; green makes a third pro, and people buy as they would have anyway."""
    plans = {f"u{n}": "pro" if n % 4 < 2 else "free" for n in range(people)}
    arms = {f"u{n}": "green" if n % 2 else "blue" for n in range(people)}
    buyers = [f"u{n}" for n in range(people) if n // 4 % 10 < (6 if n % 4 < 2 else 2)]
    turned = [f"u{n}" for n in range(3, people, 6)]
    world.tell(*(traits(user, NOW - HOUR, plan=plan, tier=plan) for user, plan in plans.items()))
    world.tell(*(view(user, arm=arm) for user, arm in arms.items()))
    world.go(HOUR / 2)
    soon = NOW + HOUR / 4
    world.tell(*(call(user, soon, type="track", event="Bought") for user in buyers))
    world.tell(*(traits(user, soon, plan="pro", tier="pro") for user in turned))
    world.go(2 * HOUR)


def test_what_the_treatment_changed_moves_nobody_to_another_segment(world: World) -> None:
    a_month(world)
    lift = world.lift()
    (spread,) = lift.spreads
    assert {one.segment: one.units for one in spread.segments} == ALIKE
    (found,) = lift.comparisons
    assert found.method.endswith("post-stratified")
    assert abs(found.effect or 0) < 1e-9
    assert told(lift) == []


def test_exposures_from_before_count_with_what_is_told_now(world: World) -> None:
    a_month(world)
    with world.app.ledger.write() as transaction:
        transaction.run("UPDATE exposures SET traits = NULL")
    lift = world.lift()
    assert len(told(lift)) == 2
    assert told(lift)[0].startswith("200 of 1,200 people are grouped by their tier of now")
    assert abs(lift.comparisons[0].effect or 0) > 0.05


def test_a_segment_that_was_named_later_counts_how_many_lack_it(world: World) -> None:
    world.tell(*(traits(f"u{n}", NOW - HOUR, plan="pro", size=1) for n in range(40)))
    world.tell(*(view(f"u{n}", arm="green" if n % 2 else "blue") for n in range(20)))
    world.put({"experiments/colour.yaml": COLOUR.replace("[plan]", "[plan, size]")})
    world.tell(*(view(f"u{n}", arm="green" if n % 2 else "blue") for n in range(20, 40)))
    world.go(HOUR)
    world.tell(*(traits(f"u{n}", world.clock.now(), size=2, plan="free") for n in range(10, 30)))
    world.go(HOUR)
    (text,) = told(world.lift())
    assert text.startswith("10 of 40 people are grouped by their size of now")


def test_a_trait_that_only_the_reader_asks_for_is_right_where_it_was_told_before(
    world: World,
) -> None:
    world.tell(*(traits(f"u{n}", NOW - HOUR, plan="pro", country="NL") for n in range(40)))
    world.tell(*(view(f"u{n}", arm="green" if n % 2 else "blue") for n in range(40)))
    world.go(2 * HOUR)
    assert told(world.lift("country")) == []
    world.tell(*(traits(f"u{n}", world.clock.now(), country="BE") for n in range(3)))
    (text,) = told(world.lift("country"))
    assert text.startswith("3 of 40 people are grouped by their country of now")


def test_what_happened_elsewhere_counts_with_what_was_told_before(world: World) -> None:
    mail = {"type": "track", "event": "Mail Received"}
    world.go(2 * HOUR)
    world.tell(*(traits(f"u{n}", NOW - HOUR, plan="pro") for n in range(40)))
    world.tell(*(call(f"u{n}", NOW + HOUR / 2, **mail) for n in range(20)))
    assert told(world.lift(name="mailing")) == []
    world.tell(*(traits(f"u{n}", NOW + HOUR, plan="free") for n in range(7)))
    (text,) = told(world.lift(name="mailing"))
    assert text.startswith("7 of 40 people are grouped by their plan of now")


def test_two_who_turn_out_to_be_one_are_as_they_were_first(world: World) -> None:
    a_month(world)
    now = world.clock.now()
    world.tell(traits("twin", now, plan="free"), view("twin", now))
    assert world.kept()["colour", person("twin")]["plan"] == "free"
    world.tell(call("u0", now, type="alias", previousId="twin"))
    lift = world.lift()
    assert [arm.units for arm in lift.arms] == [600, 600]
    assert {one.segment: one.units for one in lift.spreads[0].segments} == ALIKE
    assert told(lift) == []


def test_a_lake_from_before_traits_were_kept_is_read_and_grows_the_column(world: World) -> None:
    old = Table("exposures", "exposed_at", EXPOSED)
    rows = [
        ("colour", person(f"u{n}"), ("blue", "green")[n % 2], NOW - HOUR, "{}", None)
        for n in range(40)
    ]
    frame = pl.DataFrame(rows, schema=EXPOSED, orient="row")
    world.app.lake.append(old, frame, writer="before", version=1)
    world.tell(*(traits(f"u{n}", plan="pro") for n in range(40)))
    world.go(HOUR)
    assert [text[:8] for text in told(world.lift())] == ["40 of 40"]
    world.tell(view("new", world.clock.now()))
    assert [text[:8] for text in told(world.lift())] == ["40 of 41"]
