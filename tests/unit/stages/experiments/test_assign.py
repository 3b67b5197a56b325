"""Who is in which arm: the same at every look, and nobody moves when traffic grows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.bucketing import buckets, choose, ranges
from courtesy.stages.experiments import (
    ASSIGNED,
    HOLDOUT,
    TREATED,
    Experiment,
    Layer,
    Observed,
    Pilot,
    Ramp,
    Split,
    Standing,
    arms_of,
    assign,
    assign_many,
    expected_shares,
    is_held,
    moved,
    runs,
    split_of,
)
from courtesy.stages.experiments.model import Change

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PEOPLE = pl.Series("person_id", [f"person-{number}" for number in range(5_000)])
PLAIN = Experiment("shipping", None, None, {"paid": 0.5, "free": 0.5}, "paid")
PLAN = Pilot("They buy.", "bought", Change(0.02), {}, timedelta(days=28))
PILOT = replace(PLAIN, pilot=PLAN)
NOBODY = pl.DataFrame(schema={"person_id": pl.String, "arm": pl.String})
UNITS = pl.DataFrame({"person_id": PEOPLE, "unit": PEOPLE})
WEIGHTS = st.lists(st.integers(1, 9), min_size=2, max_size=5)
TRAFFIC = st.integers(0, 100).map(lambda share: share / 100)


def split(weights: list[int], traffic: float = 1.0, layer: Layer | None = None) -> Split:
    shares = {f"arm-{i}": weight / sum(weights) for i, weight in enumerate(weights)}
    return Split("it", shares, "it", traffic, layer)


def test_a_holdout_takes_the_buckets_from_zero_on() -> None:
    found = assign(PEOPLE, Split.holdout("welcome", 0.1))
    dealt = buckets("welcome", PEOPLE)
    assert found.to_list() == [HOLDOUT if bucket < 0.1 else TREATED for bucket in dealt]
    assert is_held(PEOPLE, Split.holdout("welcome", 0.1)).to_list() == (dealt < 0.1).tolist()


@pytest.mark.parametrize(("share", "arms"), [(0.0, {TREATED}), (1.0, {HOLDOUT})])
def test_a_holdout_of_nobody_or_everybody(share: float, arms: set[str]) -> None:
    assert set(assign(PEOPLE, Split.holdout("welcome", share))) == arms


@given(WEIGHTS, TRAFFIC)
def test_arms_are_those_of_growthbook(weights: list[int], traffic: float) -> None:
    wanted = split(weights, traffic)
    known = ranges(len(weights), traffic, list(wanted.shares.values()))
    names = [*wanted.shares, None]
    found = assign(PEOPLE[:300], wanted).to_list()
    chosen = choose(buckets("it", PEOPLE[:300]), known)
    assert found == [names[-1 if i < 0 and traffic < 1 else i] for i in chosen]


@given(WEIGHTS, TRAFFIC, TRAFFIC)
def test_raising_traffic_moves_nobody(weights: list[int], one: float, other: float) -> None:
    less, more = sorted((one, other))
    before = assign(PEOPLE[:1_000], split(weights, less))
    after = assign(PEOPLE[:1_000], split(weights, more))
    stayed = before.is_not_null()
    assert before.filter(stayed).to_list() == after.filter(stayed).to_list()


@given(WEIGHTS)
def test_all_traffic_leaves_nobody_out(weights: list[int]) -> None:
    assert assign(PEOPLE, split(weights)).null_count() == 0
    assert assign(PEOPLE, split(weights, 0.0)).null_count() == len(PEOPLE)


def test_parts_of_a_layer_share_nobody_and_leave_nobody_out() -> None:
    parts = [Layer("home", 0, 0.333), Layer("home", 0.333, 0.5), Layer("home", 0.5, 1)]
    splits = [replace(split([1, 1], 1, part), experiment=f"e{i}") for i, part in enumerate(parts)]
    inside = pl.DataFrame(assign_many(PEOPLE, splits)).select(pl.all().is_not_null())
    assert inside.sum_horizontal().to_list() == [1] * len(PEOPLE)
    shares = [len(inside.filter(name)) / len(PEOPLE) for name in inside.columns]
    assert shares == pytest.approx([0.333, 0.167, 0.5], abs=0.02)


def test_a_layer_changes_no_arm() -> None:
    inside = assign(PEOPLE, split([1, 2], 1, Layer("home", 0.2, 0.7)))
    free = assign(PEOPLE, split([1, 2]))
    taken = inside.is_not_null()
    assert 0 < taken.sum() < len(PEOPLE)
    assert inside.filter(taken).to_list() == free.filter(taken).to_list()


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    splits = [
        Split.holdout("welcome", 0.1),
        split([1, 1, 3], 0.4, Layer("home", 0, 0.5)),
        replace(split([1, 1]), experiment="other", seed="other"),
    ]
    found = assign_many(PEOPLE, splits)
    assert {name: arms.to_list() for name, arms in found.items()} == {
        one.experiment: assign(PEOPLE, one).to_list() for one in splits
    }
    assert assign(pl.Series([], dtype=pl.String), splits[0]).to_list() == []


def test_those_who_were_in_and_out_of_a_holdout_are_known() -> None:
    small, large = (is_held(PEOPLE, Split.holdout("welcome", share)) for share in (0.05, 0.2))
    assert moved(PEOPLE, 0.05, 0.2, "welcome").to_list() == (large & ~small).to_list()
    assert not moved(PEOPLE, 0.2, 0.2, "welcome").any()


def test_shares_are_those_of_the_buckets() -> None:
    thirds = replace(PLAIN, arms=dict.fromkeys("abc", 1 / 3))
    assert expected_shares(PLAIN) == {"paid": 0.5, "free": 0.5}
    # 1 % of traffic is a hundred buckets, which three arms cannot have alike.
    assert expected_shares(replace(thirds, traffic=(Ramp(None, 0.01),))) == {
        "a": 34 / 100,
        "b": 33 / 100,
        "c": 33 / 100,
    }


def test_shares_follow_the_ramp_and_never_vanish() -> None:
    ramp = (Ramp(NOON, 0.01), Ramp(NOON + DAY, 1.0))
    found = replace(PLAIN, arms={"a": 0.333, "b": 0.667}, control="a", traffic=ramp)
    assert expected_shares(found, NOON) == {"a": 34 / 101, "b": 67 / 101}
    assert expected_shares(found, NOON - DAY) == found.arms
    assert expected_shares(found) == {"a": 0.333, "b": 0.667}


def test_others_shares_are_not_known() -> None:
    seen = Observed(NOON, DAY, {}, randomised=True)
    assert expected_shares(replace(PLAIN, observed=seen)) is None


def test_a_ramp_counts_from_its_steps_on() -> None:
    ramp = replace(PLAIN, traffic=(Ramp(NOON, 0.1), Ramp(NOON + DAY, 0.5)))
    moments = [NOON - DAY, NOON, NOON + DAY / 2, NOON + DAY, NOON + 9 * DAY]
    assert [split_of(ramp, moment).traffic for moment in moments] == [0, 0.1, 0.1, 0.5, 0.5]


def test_without_a_plan_it_runs_at_once_and_with_one_from_its_start_to_its_end() -> None:
    started = Standing("shipping", NOON, "{}")
    ended = replace(started, stopped_at=NOON + DAY)
    assert runs(PLAIN, None, NOON)
    assert not runs(PILOT, None, NOON)
    assert [runs(PILOT, started, NOON + d * DAY) for d in (-1, 0, 9)] == [False, True, True]
    assert [runs(PILOT, ended, NOON + d * DAY) for d in (-1, 0, 1)] == [False, True, False]
    assert not runs(PLAIN, ended, NOON + DAY)
    assert not runs(replace(PLAIN, observed=Observed(NOON, DAY, {}, randomised=True)), None, NOON)


def test_people_get_their_arm_and_are_exposed() -> None:
    found = arms_of(UNITS, PLAIN, NOON, None, NOBODY)
    assert found.schema == ASSIGNED
    assert found["person_id"].to_list() == PEOPLE.to_list()
    assert found["arm"].to_list() == assign(PEOPLE, split_of(PLAIN, NOON)).to_list()
    assert found["exposed"].all()


def test_outside_the_traffic_everybody_gets_the_control_and_counts_for_nothing() -> None:
    found = arms_of(UNITS, replace(PLAIN, traffic=(Ramp(None, 0.2),)), NOON, None, NOBODY)
    outside = found.filter(~pl.col("exposed"))
    assert set(outside["arm"]) == {"paid"}
    assert len(outside) / len(found) == pytest.approx(0.8, abs=0.02)
    assert set(found.filter("exposed")["arm"]) == {"paid", "free"}


def test_who_was_exposed_keeps_the_arm_also_outside_the_traffic() -> None:
    before = pl.DataFrame({"person_id": PEOPLE[:100], "arm": ["free"] * 100})
    found = arms_of(UNITS, replace(PLAIN, traffic=(Ramp(None, 0.0),)), NOON, None, before)
    assert found["exposed"].to_list() == [True] * 100 + [False] * 4_900
    assert found["arm"].to_list() == ["free"] * 100 + ["paid"] * 4_900


def test_who_was_in_an_arm_that_is_gone_gets_the_control_and_counts_for_nothing() -> None:
    before = pl.DataFrame({"person_id": PEOPLE[:1], "arm": ["gone"]})
    assert arms_of(UNITS[:1], PLAIN, NOON, None, before).row(0) == (PEOPLE[0], "paid", False)


def test_clusters_stay_together() -> None:
    units = pl.DataFrame({"person_id": PEOPLE, "unit": [f"h{i // 5}" for i in range(5_000)]})
    arms = arms_of(units, PLAIN, NOON, None, NOBODY).with_columns(units["unit"])
    assert arms.group_by("unit").agg(pl.col("arm").n_unique())["arm"].max() == 1
    assert arms["arm"].n_unique() == 2


@pytest.mark.parametrize(
    ("stopped", "kept", "arm"),
    [
        (None, None, "paid"),
        (NOON, None, "paid"),
        (NOON, "free", "free"),
        (NOON, "gone", "paid"),
        (NOON + DAY, "free", None),
    ],
)
def test_before_the_start_and_after_the_end_all_get_one_arm(
    stopped: datetime | None, kept: str | None, arm: str | None
) -> None:
    standing = Standing("shipping", NOON - DAY, "{}", stopped, kept) if stopped else None
    before = pl.DataFrame({"person_id": PEOPLE[:1], "arm": ["free"]})
    found = arms_of(UNITS, PILOT, NOON, standing, before)
    assert found.schema == ASSIGNED
    if arm is None:
        assert found["exposed"].all()
        assert found["arm"].n_unique() == 2
    else:
        assert not found["exposed"].any()
        assert set(found["arm"]) == {arm}
