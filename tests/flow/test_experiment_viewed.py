"""``Experiment Viewed`` events, live and imported, become exposures; bad ones stop nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import Absorbed, absorb
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import Standing
from courtesy.stages.experiments import store as experiments_store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
PILOT = """
experiment: pilot
owner: ana@brand.example
arms: {control: 1, new: 1}
plan:
  hypothesis: New is better.
  primary: bought
  minimal_effect: 2%
  longest: 28d
  decisions: {better: Keep it., worse: Drop it., not_significant: Keep the mix.}
"""
FILES = {
    "policy.yaml": POLICY,
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Bought\nwithin: 7d\n",
    "experiments/colour.yaml": "experiment: colour\narms: {blue: 1, green: 1}\n",
    "experiments/small.yaml": "experiment: small\narms: {old: 1, new: 1}\ntraffic: 20%\n",
    "experiments/pros.yaml": """
experiment: pros
arms: {old: 1, new: 1}
if: {trait: plan, is: pro}
""",
    "experiments/homes.yaml": "experiment: homes\narms: {old: 1, new: 1}\ncluster: household\n",
    "experiments/pilot.yaml": PILOT,
    "experiments/others.yaml": """
experiment: others
observed:
  at: 2026-03-01T00:00:00Z
  within: 1h
  arms: {offer: {did: Offer Received}}
  control: none
  randomised: true
metrics: [bought]
""",
}


def put_in_force(app: App, folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, app.clock.now())


class World:
    """A home with experiments, and what clients tell it."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self.folder, self.calls = app, folder, 0

    def tell(self, *calls: dict[str, Any], history: bool = False, source: str = "shop") -> Absorbed:
        batch = [{"messageId": f"call-{self.calls + n}", **call} for n, call in enumerate(calls)]
        self.calls += len(calls)
        body = json.dumps({"batch": batch}).encode()
        accepted = Accepted(source, NOW, collect(body, "batch"), history=history)
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [accepted])
        return absorb(self.app)

    def exposures(self) -> pl.DataFrame:
        with self.app.ledger.read() as transaction:
            return experiments_store.since(transaction, 0, 10_000)

    def arms(self) -> dict[tuple[str, str], str]:
        rows = self.exposures().select("experiment", "person_id", "arm").iter_rows()
        return {(name, person): arm for name, person, arm in rows}

    def put(self, **files: str) -> None:
        put_in_force(self.app, self.folder, files)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    make_home(tmp_path / "home")
    app = open_app(tmp_path / "home", clock=VirtualClock(NOW))
    put_in_force(app, tmp_path / "workspace", FILES)
    yield World(app, tmp_path / "workspace")
    app.close()


def person(user: str) -> str:
    return digest("user_id", user)


def view(user: str, at: datetime = NOW - HOUR, **properties: object) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Experiment Viewed",
        "userId": user,
        "timestamp": at.isoformat(),
        "properties": properties,
    }


def test_a_view_is_an_exposure_at_its_own_time(world: World) -> None:
    said = {"experiment_id": "colour", "variation_id": "green", "page": "/"}
    world.tell(view("ana", NOW - HOUR, **said))
    found = world.exposures().row(0, named=True)
    assert json.loads(found.pop("entry")) == said
    assert found == {
        "exposure_id": 1,
        "experiment": "colour",
        "person_id": person("ana"),
        "arm": "green",
        "exposed_at": NOW - HOUR,
        "unit": person("ana"),
        "traits": None,
    }


def test_names_do_where_ids_are_absent_or_another_tool_s(world: World) -> None:
    world.tell(
        view("ana", experiment_name="colour", variation_name="green"),
        view("bob", experiment_id=815, experiment_name="colour", variation_name="blue"),
        view("cid", experiment_id="colour", variation_id=1, variation_name="green"),
        view("dan", experiment_id="colour", experiment_name="Colours", variation_id="blue"),
    )
    assert world.arms() == {
        ("colour", person("ana")): "green",
        ("colour", person("bob")): "blue",
        ("colour", person("cid")): "green",
        ("colour", person("dan")): "blue",
    }


def test_the_arm_is_the_one_that_was_seen(world: World) -> None:
    users = [f"u{n}" for n in range(10)]
    world.tell(*(view(u, experiment_id="colour", variation_id="green") for u in users))
    assert set(world.arms().values()) == {"green"}


def test_the_first_view_stays(world: World) -> None:
    ids = {"experiment_id": "colour"}
    world.tell(
        view("ana", NOW - HOUR, **ids, variation_id="green"),
        view("ana", NOW - 2 * HOUR, **ids, variation_id="blue"),
    )
    world.tell(view("ana", NOW, **ids, variation_id="green"))
    assert world.arms() == {("colour", person("ana")): "blue"}


def test_who_was_somebody_else_before_is_not_exposed_again(world: World) -> None:
    seen = {"experiment_id": "colour", "variation_id": "green"}
    nameless = {**view("", NOW, **seen), "anonymousId": "device"}
    del nameless["userId"]
    world.tell(nameless)
    world.tell({"type": "identify", "userId": "ana", "traits": {}})
    world.tell({"type": "identify", "userId": "ana", "anonymousId": "device"})
    world.tell(view("ana", experiment_id="colour", variation_id="blue"))
    assert world.arms() == {("colour", digest("anonymous_id", "device")): "green"}


def test_what_cannot_be_used_is_counted_and_stops_nothing(world: World) -> None:
    with structlog.testing.capture_logs() as logs:
        taken = world.tell(
            view("ana", experiment_id="colour", variation_id="purple"),
            view("bob", experiment_id="colour"),
            view("cid", experiment_id="no-such", variation_id="green"),
            view("dan"),
            view("eva", experiment_id=["colour"], variation_id={"a": None}),
            view("fay", experiment_id="pilot", variation_id="new"),
            view("gus", experiment_id="others", variation_id="offer"),
            view("hal", experiment_id="colour", variation_id="green"),
        )
    assert taken.added == 8
    assert world.arms() == {("colour", person("hal")): "green"}
    told = {log["experiment"]: log for log in logs if "views" in log["event"]}
    assert (told["colour"]["unknown_arm"], told["pilot"]["not_running"]) == (2, 1)


@settings(max_examples=40)
@given(
    values=st.lists(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.lists(st.text()),
        min_size=4,
        max_size=4,
    )
)
def test_whatever_the_properties_hold_the_batch_goes_on(
    shared: World, values: list[object]
) -> None:
    names = ("experiment_id", "experiment_name", "variation_id", "variation_name")
    odd = {k: v for k, v in zip(names, values, strict=True) if "\0" not in json.dumps(v)}
    properties = json.loads(json.dumps(odd).replace("\\u0000", ""))
    before = len(shared.exposures())
    good = view(f"u{shared.calls}", experiment_id="colour", variation_id="green")
    assert shared.tell(view("odd", **properties), good).added == 2
    assert len(shared.exposures()) == before + 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder / "home")
    app = open_app(folder / "home", clock=VirtualClock(NOW))
    put_in_force(app, folder / "workspace", FILES)
    yield World(app, folder / "workspace")
    app.close()


def test_imported_history_counts_too(world: World) -> None:
    long_ago = NOW - timedelta(days=300)
    seen = {"experiment_id": "colour", "variation_id": "green"}
    world.tell(view("ana", long_ago, **seen), history=True)
    assert world.exposures()["exposed_at"].to_list() == [long_ago]


def test_a_pilot_counts_views_from_its_start_to_its_end(world: World) -> None:
    seen = {"experiment_id": "pilot", "variation_id": "new"}
    with world.app.ledger.write() as transaction:
        experiments_store.start(transaction, Standing("pilot", NOW - 3 * HOUR, "{}"))
        experiments_store.stop(transaction, "pilot", NOW - HOUR, "new", "better")
    world.tell(
        view("ana", NOW - 4 * HOUR, **seen),
        view("bob", NOW - 3 * HOUR, **seen),
        view("cid", NOW - 2 * HOUR, **seen),
        view("dan", NOW - HOUR, **seen),
    )
    assert set(world.arms()) == {("pilot", person("bob")), ("pilot", person("cid"))}


def test_who_takes_no_part_is_not_exposed_by_a_client_that_reports_all(world: World) -> None:
    users = [f"u{n}" for n in range(200)]
    world.tell(*(view(u, experiment_id="small", variation_id="old") for u in users))
    exposed = len(world.arms())
    assert 20 < exposed < 60
    world.tell(
        *(view(u, experiment_id="small", variation_id="old") for u in users), source="courtesy"
    )
    assert len(world.arms()) == 200


def test_the_condition_and_the_holdout_are_asked(world: World) -> None:
    users = [f"u{n}" for n in range(60)]
    plans = ("free", "pro")
    world.tell(
        *(
            {"type": "identify", "userId": u, "traits": {"plan": plans[n % 2]}}
            for n, u in enumerate(users)
        )
    )
    views = [view(u, experiment_id="pros", variation_id="new") for u in users]
    world.tell(*views)
    assert {who for _, who in world.arms()} == {person(u) for u in users[1::2]}
    world.put(**{"policy.yaml": POLICY + "holdouts: {universal: 50%}\n"})
    world.tell(*(view(u, experiment_id="colour", variation_id="blue") for u in users))
    assert 15 < sum(name == "colour" for name, _ in world.arms()) < 45


def test_the_unit_is_the_household(world: World) -> None:
    world.tell(
        *(
            {"type": "identify", "userId": u, "traits": {"household": home}}
            for u, home in [("ana", "H1"), ("bob", " h1 "), ("cid", "h2")]
        )
    )
    world.tell(*(view(u, experiment_id="homes", variation_id="new") for u in ("ana", "bob", "cid")))
    units = dict(world.exposures().select("person_id", "unit").iter_rows())
    assert units[person("ana")] == units[person("bob")] != units[person("cid")]
