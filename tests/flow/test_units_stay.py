"""What chance assigns stays what it was: tests in two journeys, layers, clusters."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, assigned, listed, publish, shown, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
JOURNEY = """journey: NAME
topic: offers
holdout: 30%
entry: {event: Signed Up}
steps:
  - test: shipping
  - send: {template: hello}
"""
HELLO = """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
LAYERED = "experiment: NAME\narms: {a: 1, b: 1}\nlayer: {name: page, from: FROM, to: TO}\n"
FOLDER = {
    "policy.yaml": POLICY,
    "experiments/shipping.yaml": "experiment: shipping\narms: {control: 1, free: 1}\n",
    "journeys/one.yaml": JOURNEY.replace("NAME", "one"),
    "journeys/two.yaml": JOURNEY.replace("NAME", "two"),
    "templates/hello.html": HELLO,
}


class World:
    """A home, its clock and its workspace folder."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder = app, clock, folder

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def apply(self) -> None:
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def join(self, *users: str) -> None:
        self._take({"type": "track", "userId": user, "event": "Signed Up"} for user in users)

    def move(self, users: Iterable[str], town: str) -> None:
        """Let each live in a house of their own."""
        houses = ((user, {"house": f"{town} {user}"}) for user in users)
        self._take({"type": "identify", "userId": user, "traits": at} for user, at in houses)

    def _take(self, calls: Iterable[dict[str, Any]]) -> None:
        now = self.clock.now()
        batch = [call | {"messageId": digest(f"{call}", f"{now}")} for call in calls]
        body = json.dumps({"batch": batch}).encode()
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [Accepted("app", now, collect(body, "batch"))])
        absorb(self.app)
        tick(self.app)

    def exposures(self, experiment: str) -> pl.DataFrame:
        publish(self.app)
        sql = "SELECT * FROM exposures"
        found = self.app.engine.query(sql, tables=[EXPOSURES], frames={})
        return found.filter(pl.col("experiment") == experiment)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    make_home(tmp_path / "home")
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock)
    found = World(app, clock, tmp_path / "workspace")
    found.write(**FOLDER)
    found.apply()
    yield found
    app.close()


def test_who_is_left_alone_in_one_of_two_journeys_takes_part_in_the_other(world: World) -> None:
    users = [f"u{number}" for number in range(120)]
    world.join(*users)
    seen = dict(world.exposures("shipping").select("person_id", "arm").iter_rows())
    told = assigned(world.app, "shipping", users)
    assert {one.person_id for one in told if one.takes_part} == seen.keys()
    assert {one.person_id: one.arm for one in told if one.takes_part} == seen
    held = [one for one in told if one.reason == "held"]
    assert len(held) == len(users) - len(seen)
    assert 0 < len(held) < 0.2 * len(users)


def test_a_layer_deals_one_kind_of_unit(world: World) -> None:
    first = LAYERED.replace("NAME", "first").replace("FROM", "0%").replace("TO", "50%")
    second = LAYERED.replace("NAME", "second").replace("FROM", "50%").replace("TO", "100%")
    clustered = f"{first}cluster: household\n"
    world.write(**{"experiments/first.yaml": clustered, "experiments/second.yaml": second})
    with pytest.raises(DefinitionError, match="each household, the other each person") as caught:
        world.apply()
    assert caught.value.place == "experiments/second.yaml:3: layer"
    world.write(**{"policy.yaml": f"{POLICY}holdouts: {{cluster: household}}\n"})
    world.apply()


def test_the_policys_clusters_stay_while_they_are_counted(world: World) -> None:
    clustered = f"{POLICY}holdouts: {{cluster: household}}\n"
    world.join("ana", "ben", "cleo", "dan")
    world.write(**{"policy.yaml": clustered})
    with pytest.raises(DefinitionError, match=r"one, shipping, two already") as caught:
        world.apply()
    assert caught.value.place == "policy.yaml:4: holdouts"
    own = "experiment: shipping\narms: {control: 1, free: 1}\ncluster: household\n"
    for name in ("one", "two"):
        text = JOURNEY.replace("NAME", f"{name}-anew").replace("shipping", "shipping-anew")
        world.write(**{f"journeys/{name}-anew.yaml": text})
        (world.folder / f"journeys/{name}.yaml").unlink()
    (world.folder / "experiments/shipping.yaml").unlink()
    text = own.replace("shipping", "shipping-anew")
    world.write(**{"policy.yaml": POLICY, "experiments/shipping-anew.yaml": text})
    world.apply()
    world.write(**{"policy.yaml": clustered})
    world.apply()


def test_a_test_of_a_journey_is_refused_in_the_journeys_file(world: World) -> None:
    inline = JOURNEY.replace("test: shipping", "test: {name: tone, arms: {a: 1, b: 1}}")
    world.write(**{"journeys/one.yaml": inline.replace("NAME", "one")})
    world.apply()
    world.join("ana", "ben", "cleo", "dan", "eve")
    world.write(**{"journeys/one.yaml": inline.replace("NAME", "one").replace("b: 1", "b: 2")})
    with pytest.raises(DefinitionError, match="stays as it is: arms") as caught:
        world.apply()
    assert caught.value.place == "journeys/one.yaml"


def test_a_name_in_which_people_were_is_not_given_to_something_else(world: World) -> None:
    world.join("ana", "ben", "cleo", "dan")
    (world.folder / "journeys/one.yaml").unlink()
    world.apply()
    world.write(**{"experiments/one.yaml": "experiment: one\narms: {a: 1, b: 1}\n"})
    with pytest.raises(DefinitionError, match="the name 'one' before") as caught:
        world.apply()
    assert caught.value.place == "experiments/one.yaml"
    (world.folder / "experiments/one.yaml").unlink()
    world.write(**{"journeys/one.yaml": JOURNEY.replace("NAME", "one")})
    world.apply()


def test_who_moves_house_comes_into_no_second_experiment_of_a_layer(world: World) -> None:
    for name, start, end in (("ship", "0%", "50%"), ("sofa", "50%", "100%")):
        text = LAYERED.replace("NAME", name).replace("FROM", start).replace("TO", end)
        journey = JOURNEY.replace("NAME", f"to-{name}").replace("shipping", name)
        again = journey.replace("Signed Up}", "Signed Up, again: always}").replace("30%", "0%")
        world.write(**{f"experiments/{name}.yaml": f"{text}cluster: house\n"})
        world.write(**{f"journeys/to-{name}.yaml": again})
    world.apply()
    users = [f"u{number}" for number in range(60)]
    world.move(users, "old")
    world.join(*users)
    first = {name: set(world.exposures(name)["person_id"]) for name in ("ship", "sofa")}
    assert min(map(len, first.values())) > 10
    world.clock.move(world.clock.now() + timedelta(hours=1))
    world.move(users, "new")
    world.join(*users)
    assert {name: set(world.exposures(name)["person_id"]) for name in first} == first
    told = assigned(world.app, "ship", users)
    assert {one.person_id for one in told if one.takes_part} == first["ship"]
    assert "in_layer" in {one.reason for one in told}


def test_what_left_the_folder_is_retired_and_still_measured(world: World) -> None:
    world.join("ana", "ben", "cleo", "dan")
    before = {one.experiment: one for one in listed(world.app)}["shipping"]
    assert (before.acts, before.state) == ("journey one, two", "running")
    for name in ("journeys/one", "journeys/two", "experiments/shipping"):
        (world.folder / f"{name}.yaml").unlink()
    world.apply()
    (after,) = listed(world.app)
    assert (after.acts, after.state) == ("nowhere", "retired")
    assert after.people == before.people
    assert shown(world.app, "shipping")["state"] == "retired"
