"""What flags decide: who takes part, in which arm, and as whom they are known."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, publish
from courtesy.flow.flags.decide import Question, Who, answers, flag, flags, found
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.events import NORMALISED, Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES, Standing
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.profiles import Identified, identify
from courtesy.stages.profiles import store as profiles_store

POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
FILES = {
    "policy.yaml": POLICY,
    "experiments/colour.yaml": "experiment: colour\narms: {blue: 1, green: 2, red: 1}\n",
    "experiments/homes.yaml": "experiment: homes\narms: {old: 1, new: 1}\ncluster: household\n",
    "experiments/left.yaml": """
experiment: left
arms: {old: 1, new: 1}
layer: {name: page, from: 0%, to: 50%}
""",
    "experiments/loyalty.yaml": """
experiment: loyalty
arms: {control: 1, points: 1}
if: {trait: plan, is: pro}
""",
    "experiments/right.yaml": """
experiment: right
arms: {old: 1, new: 1}
layer: {name: page, from: 50%, to: 100%}
""",
    "experiments/small.yaml": "experiment: small\narms: {control: 1, new: 1}\ntraffic: 20%\n",
}
PILOT = {
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Bought\nwithin: 7d\n",
    "experiments/pilot.yaml": """
experiment: pilot
owner: ana@brand.example
arms: {control: 1, new: 1}
plan:
  hypothesis: New is better.
  primary: bought
  minimal_effect: 2%
  longest: 28d
  decisions: {better: Keep it., worse: Drop it., not_significant: Keep the mix.}
""",
}


def put_in_force(app: App, folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, app.clock.now())


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home")
    put_in_force(opened, tmp_path / "workspace", FILES)
    yield opened
    opened.close()


def told(app: App, *calls: dict[str, Any]) -> None:
    """What a client would send, absorbed."""
    batch = [{"messageId": f"call-{n}", **call} for n, call in enumerate(calls)]
    collected = collect(json.dumps({"batch": batch}).encode(), "batch")
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("shop", app.clock.now(), collected)])
    absorb(app)


def test_many_questions_are_answered_as_each_alone(app: App) -> None:
    traits = [{"plan": "pro", "household": "h"}, {"plan": "free"}, {}]
    told(
        app,
        *({"type": "identify", "userId": f"user-{n}", "traits": traits[n % 3]} for n in range(50)),
    )
    keys = ["colour", "homes", "left", "loyalty", "no-such", "right", "small"]
    asked = [Question(keys[n % 7], Who(f"user-{n % 60}")) for n in range(200)]
    for one, answer in zip(asked, answers(app, asked), strict=True):
        if one.key == "no-such":
            assert isinstance(answer, NotFoundError)
            assert "colour, homes, left" in answer.message
        else:
            assert not isinstance(answer, NotFoundError)
            alone, view = flag(app, one.key, one.who)
            assert (answer[0], answer[1] is None) == (alone, view is None)
    assert answers(app, []) == []


def test_shares_are_as_asked(app: App) -> None:
    people = [flag(app, "colour", Who(f"user-{n}")) for n in range(2_000)]
    counts = Counter(answer.arm for answer, _ in people)
    observed = [counts[arm] for arm in ("blue", "green", "red")]
    assert chisquare(observed, [500, 1_000, 500]).pvalue > 0.001
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [view for _, view in people if view is not None])
    absorb(app)
    publish(app)
    kept = app.engine.query("SELECT arm FROM exposures", tables=[EXPOSURES], frames={})
    assert Counter(kept["arm"]) == counts


def test_who_is_outside_the_traffic_has_the_control_and_is_not_exposed(app: App) -> None:
    people = [flag(app, "small", Who(f"user-{n}")) for n in range(300)]
    outside = [(answer.arm, view) for answer, view in people if not answer.takes_part]
    assert set(outside) == {("control", None)}
    assert 200 < len(outside) < 280
    assert {answer.arm for answer, view in people if view} == {"control", "new"}


def test_only_those_whom_it_is_for_take_part(app: App) -> None:
    plans = {f"user-{n}": "pro" if n % 2 else "free" for n in range(40)}
    told(
        app,
        *({"type": "identify", "userId": u, "traits": {"plan": p}} for u, p in plans.items()),
    )
    answers = {user: flag(app, "loyalty", Who(user)) for user in [*plans, "stranger"]}
    for user, (answer, view) in answers.items():
        pro = plans.get(user) == "pro"
        assert answer.reason == ("SPLIT" if pro else "TARGETING_MATCH")
        assert answer.takes_part == (view is not None) == pro
        assert pro or answer.arm == "control"
    assert {answer.arm for answer, _ in answers.values()} == {"control", "points"}


def test_who_was_exposed_keeps_the_arm_when_the_condition_no_longer_holds(app: App) -> None:
    told(app, {"type": "identify", "userId": "u", "traits": {"plan": "pro"}})
    first, view = flag(app, "loyalty", Who("u"))
    assert view is not None
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [view])
    told(app, {"type": "identify", "userId": "u", "traits": {"plan": "free"}, "messageId": "x"})
    again, view = flag(app, "loyalty", Who("u"))
    assert (again, view) == (first, None)


def test_the_universal_holdout_has_the_control(app: App, tmp_path: Path) -> None:
    put_in_force(
        app, tmp_path / "workspace", {"policy.yaml": POLICY + "holdouts: {universal: 10%}\n"}
    )
    people = [flag(app, "colour", Who(f"user-{n}")) for n in range(400)]
    held = [(answer.arm, view) for answer, view in people if not answer.takes_part]
    assert set(held) == {("blue", None)}
    assert 20 < len(held) < 65


def test_a_pilot_before_its_start_and_after_its_end(app: App, tmp_path: Path) -> None:
    put_in_force(app, tmp_path / "workspace", PILOT)
    who = [Who(f"user-{n}") for n in range(20)]

    def answers() -> set[tuple[str, str, bool]]:
        both = [flag(app, "pilot", one) for one in who]
        return {(answer.arm, answer.reason, view is not None) for answer, view in both}

    assert answers() == {("control", "DISABLED", False)}
    with app.ledger.write() as transaction:
        experiments_store.start(transaction, Standing("pilot", app.clock.now(), "{}"))
    assert answers() == {("control", "SPLIT", True), ("new", "SPLIT", True)}
    with app.ledger.write() as transaction:
        experiments_store.stop(transaction, "pilot", app.clock.now(), "new", "better")
    assert answers() == {("new", "STATIC", False)}


def test_a_household_has_one_arm(app: App) -> None:
    homes = {f"user-{n}": f"home-{n // 2}" for n in range(40)}
    told(
        app,
        *({"type": "identify", "userId": u, "traits": {"household": h}} for u, h in homes.items()),
    )
    arms = {(home, flag(app, "homes", Who(user))[0].arm) for user, home in homes.items()}
    assert len(arms) == 20
    assert {arm for _, arm in arms} == {"old", "new"}


def test_nobody_is_in_both_parts_of_a_layer(app: App) -> None:
    for n in range(60):
        parts = {one.key: one.takes_part for one in flags(app, Who(f"user-{n}"))}
        assert parts["left"] != parts["right"]


IDS = st.sampled_from(["a", "b", "c", "d"])
CALLS = st.lists(st.tuples(st.none() | IDS, st.none() | IDS).filter(any), max_size=6)


@settings(max_examples=60)
@given(calls=CALLS, user_id=st.none() | IDS, anonymous_id=st.none() | IDS)
def test_the_person_is_the_one_that_their_events_will_have(
    identified: App, calls: list[tuple[str | None, str | None]], user_id: str, anonymous_id: str
) -> None:
    if not (user_id or anonymous_id):
        return
    with identified.ledger.read() as transaction:
        for user, anonymous in calls:
            profiles_store.put_identified(
                transaction, _identified(transaction, user, anonymous), identified.clock.now()
            )
        named, person_id = found(transaction, Who(user_id, anonymous_id))
        later = _identified(transaction, named.user_id, named.anonymous_id)
    assert later.events["person_id"].to_list() == [person_id]


@pytest.fixture(scope="module")
def identified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    opened = open_app(home)
    yield opened
    opened.close()


def _identified(transaction: Transaction, user: str | None, anonymous: str | None) -> Identified:
    row = dict.fromkeys(NORMALISED, None) | {
        "user_id": user,
        "anonymous_id": anonymous,
        "occurred_at": datetime(2026, 3, 2, tzinfo=UTC),
    }
    events = pl.DataFrame([row], schema=NORMALISED)
    return identify(events, profiles_store.known(transaction, events))
