"""Lift from exposures and events, in the engine."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.primitives.errors import DataError, DefinitionError, TooEarlyError
from courtesy.ground.rules import Did, parse
from courtesy.ground.stats import Fixed
from courtesy.stages.events.model import EVENTS
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.lift import (
    CONVERSION,
    COUNT,
    MERGES,
    SUM,
    Comparison,
    Lift,
    Metric,
    Plan,
    Ratio,
    measure,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = START + timedelta(days=30)
WEEK = timedelta(days=7)
SHARES = {"holdout": 0.5, "treated": 0.5}
BOUGHT = Metric("bought", CONVERSION, ("Order Completed",), within=WEEK)
REVENUE = Metric("revenue", SUM, ("Order Completed",), property="cart.total", within=WEEK)

Event = tuple[str, str, timedelta, Mapping[str, object]]
Measure = Callable[..., Lift]


def exposures(
    arms: Mapping[str, str], at: Mapping[str, datetime] | None = None, entry: str = "{}"
) -> pl.DataFrame:
    rows = [
        {
            "experiment": "welcome",
            "person_id": person,
            "arm": arm,
            "exposed_at": (at or {}).get(person, START),
            "entry": entry,
        }
        for person, arm in arms.items()
    ]
    return pl.DataFrame(rows, schema=EXPOSURES.schema)


def events(happened: Sequence[Event]) -> pl.DataFrame:
    rows = [
        {
            "message_id": f"m{number}",
            "person_id": person,
            "type": "track",
            "event": event,
            "occurred_at": START + after,
            "received_at": START + after,
            "source": "test",
            "properties": json.dumps(properties),
            "context": "{}",
        }
        for number, (person, event, after, properties) in enumerate(happened)
    ]
    return pl.DataFrame(rows, schema=EVENTS.schema)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture
def measured(lake: Lake) -> Measure:
    def run(
        happened: Sequence[Event],
        exposed: pl.DataFrame,
        *metrics: Metric | Ratio,
        merges: pl.DataFrame | None = None,
        now: datetime = NOW,
        history: timedelta | None = None,
        shares: Mapping[str, float] | None = SHARES,
        randomised: bool = True,
    ) -> Lift:
        lake.append(EVENTS, events(happened), writer="test", version=1)
        plan = Plan("welcome", "holdout", metrics, shares, Fixed(), history, randomised)
        return measure(DuckDBEngine(lake), exposed, plan, now=now, merges=merges)

    return run


def bought(person: str, after: timedelta = timedelta(hours=1), total: object = 10) -> Event:
    return person, "Order Completed", after, {"cart": {"total": total}}


def four(prefix_a: str = "h", prefix_b: str = "t") -> dict[str, str]:
    people = {f"{prefix_a}{i}": "holdout" for i in range(4)}
    return people | {f"{prefix_b}{i}": "treated" for i in range(4)}


def only(lift: Lift, metric: str = "bought") -> Comparison:
    (found,) = [c for c in lift.comparisons if c.metric == metric]
    return found


def named(lift: Lift) -> set[str]:
    return {notice.name for notice in lift.warnings}


def test_everyone_exposed_counts_also_those_who_did_nothing(measured: Measure) -> None:
    lift = measured(
        [bought("h0"), bought("t0"), bought("t1"), bought("x9")], exposures(four()), BOUGHT
    )
    assert only(lift).control_mean == 0.25
    assert only(lift).arm_mean == 0.5
    assert only(lift).effect == 0.25
    assert [(arm.arm, arm.units) for arm in lift.arms] == [("holdout", 4), ("treated", 4)]
    assert lift.sample_ratio is not None
    assert lift.sample_ratio.ok


def test_only_the_window_counts_from_the_exposure_on(measured: Measure) -> None:
    happened = [
        bought("h0", -timedelta(seconds=1)),
        bought("h1", timedelta(0)),
        bought("t0", WEEK - timedelta(seconds=1)),
        bought("t1", WEEK),
        bought("t2", NOW - START + timedelta(seconds=1)),
    ]
    lift = measured(happened, exposures(four()), BOUGHT)
    assert only(lift).control_mean == 0.25
    assert only(lift).arm_mean == 0.25


def test_counting_may_start_later(measured: Measure) -> None:
    late = Metric("day 7", CONVERSION, ("App Opened",), after=WEEK, within=WEEK + timedelta(days=1))
    happened: list[Event] = [
        ("h0", "App Opened", timedelta(days=1), {}),
        ("t0", "App Opened", timedelta(days=7, hours=3), {}),
    ]
    lift = measured(happened, exposures(four()), late)
    assert (only(lift, "day 7").control_mean, only(lift, "day 7").arm_mean) == (0, 0.25)


def test_revenue_counts_and_ratios_are_per_person_or_per_order(measured: Measure) -> None:
    orders = Metric("orders", COUNT, ("Order Completed",), within=WEEK)
    happened = [
        bought("h0"),
        bought("t0", total=30),
        bought("t0", total="6"),
        bought("t1", total=None),
    ]
    lift = measured(happened, exposures(four()), REVENUE, orders, Ratio("basket", REVENUE, orders))
    assert (only(lift, "revenue").control_mean, only(lift, "revenue").arm_mean) == (2.5, 9)
    assert (only(lift, "orders").control_mean, only(lift, "orders").arm_mean) == (0.25, 0.75)
    assert (only(lift, "basket").control_mean, only(lift, "basket").arm_mean) == (10, 12)


def test_a_cap_holds_back_the_largest(measured: Measure) -> None:
    capped = Metric(
        "revenue", SUM, ("Order Completed",), property="cart.total", within=WEEK, cap=20
    )
    lift = measured([bought("t0", total=1e9)], exposures(four()), capped)
    assert only(lift, "revenue").arm_mean == 5


def test_a_goal_is_measured_as_the_journey_says(measured: Measure) -> None:
    goal = parse(
        {
            "did": "Order Completed",
            "at_least": 2,
            "within": "7d",
            "where": {"cart.total": {"gt": 5}},
        }
    )
    assert isinstance(goal, Did)
    happened = [bought("h0"), bought("h0", total=2), bought("t0"), bought("t0", total=6)]
    lift = measured(happened, exposures(four()), Metric.goal("goal", goal))
    assert (only(lift, "goal").control_mean, only(lift, "goal").arm_mean) == (0, 0.25)


def test_a_goal_may_compare_with_the_entry(measured: Measure) -> None:
    goal = parse({"did": "Done", "where": {"offer": {"same_as": "entry"}}})
    assert isinstance(goal, Did)
    happened = [("h0", "Done", WEEK, {"offer": "b"}), ("t0", "Done", WEEK, {"offer": "a"})]
    exposed = exposures(four(), entry='{"offer":"a"}')
    lift = measured(happened, exposed, Metric.goal("goal", goal))
    assert (only(lift, "goal").control_mean, only(lift, "goal").arm_mean) == (0, 0.25)
    with pytest.raises(DefinitionError, match="entry"):
        measured(happened, exposed.drop("entry"), Metric.goal("goal", goal))


def test_people_whose_window_is_open_are_left_out_of_both_arms(measured: Measure) -> None:
    fresh = {"h3": NOW - timedelta(days=1), "t3": NOW - timedelta(days=1)}
    happened = [bought("h0"), bought("t3", NOW - START), bought("t0")]
    lift = measured(happened, exposures(four(), fresh), BOUGHT)
    assert only(lift).control_units == only(lift).arm_units == 3
    assert only(lift).control_mean == only(lift).arm_mean == pytest.approx(1 / 3)
    assert "incomplete_follow_up" in named(lift)
    assert [arm.units for arm in lift.arms] == [4, 4]


def test_nobody_exposed_later_than_now_is_seen(measured: Measure) -> None:
    later = {"h3": NOW + timedelta(days=1)}
    assert [arm.units for arm in measured([], exposures(four(), later), BOUGHT).arms] == [3, 4]


def test_people_who_turn_out_to_be_one_count_once(measured: Measure) -> None:
    merges = pl.DataFrame({"person_id": ["h1"], "into_id": ["h0"]}, schema=MERGES)
    lift = measured([bought("h1")], exposures(four()), BOUGHT, merges=merges)
    assert only(lift).control_units == 3
    assert only(lift).control_mean == pytest.approx(1 / 3)


def test_people_in_two_arms_are_left_out_and_named(measured: Measure) -> None:
    merges = pl.DataFrame({"person_id": ["h1"], "into_id": ["t0"]}, schema=MERGES)
    lift = measured([bought("h1")], exposures(four()), BOUGHT, merges=merges)
    assert (only(lift).control_units, only(lift).arm_units) == (3, 3)
    assert "two_arms" in named(lift)


def test_history_takes_out_what_was_known_before(measured: Measure) -> None:
    people = {f"p{i}": ("holdout", "treated")[i % 2] for i in range(400)}
    habit = {person: float(i * 37 % 100) for i, person in enumerate(people)}
    happened = [bought(p, -timedelta(days=2), amount) for p, amount in habit.items()]
    happened += [
        bought(p, timedelta(days=2), amount + i % 3) for i, (p, amount) in enumerate(habit.items())
    ]
    lift = measured(happened, exposures(people), REVENUE, history=timedelta(days=10))
    found = only(lift, "revenue")
    assert "CUPED" in found.method
    assert found.effect_high is not None
    assert found.effect_low is not None
    assert found.effect_high - found.effect_low < 0.5


def test_exposures_may_stand_in_the_lake(lake: Lake, measured: Measure) -> None:
    lake.append(EXPOSURES, exposures(four()), writer="test", version=1)
    measured([bought("t0")], exposures(four()), BOUGHT)
    plan = Plan("welcome", "holdout", [BOUGHT], SHARES)
    lift = measure(DuckDBEngine(lake), EXPOSURES, plan, now=NOW)
    assert only(lift).arm_mean == 0.25


def test_without_chance_there_is_no_effect_but_an_association(measured: Measure) -> None:
    lift = measured([bought("t0")], exposures(four()), BOUGHT, randomised=False)
    assert lift.comparisons == ()
    assert [found.effect for found in lift.associations] == [0.25]
    assert lift.sample_ratio is None
    assert "not_randomised" in named(lift)


def test_outcomes_before_the_exposure_do_not_count_and_are_told(measured: Measure) -> None:
    people = {f"p{i}": "treated" if i % 2 else "holdout" for i in range(60)}
    late: list[Event] = [(p, "Order Completed", timedelta(days=-2), {}) for p in list(people)[:30]]
    in_time: list[Event] = [
        (p, "Order Completed", timedelta(days=2), {}) for p in list(people)[30:40]
    ]
    lift = measured([*late, *in_time], exposures(people), BOUGHT)
    assert only(lift).arm_mean == pytest.approx(5 / 30)
    (told,) = [notice for notice in lift.warnings if notice.name == "before_exposure"]
    assert told.detail.endswith("People who had it before, and after: bought (30 and 10).")


def test_outcomes_on_both_sides_of_the_exposure_are_usual(measured: Measure) -> None:
    people = {f"p{i}": "treated" if i % 2 else "holdout" for i in range(60)}
    sides: list[Event] = [
        (p, "Order Completed", timedelta(days=days), {}) for p in people for days in (-2, 2)
    ]
    assert "before_exposure" not in named(measured(sides, exposures(people), BOUGHT))


def test_an_experiment_without_exposures_is_an_error(measured: Measure) -> None:
    with pytest.raises(TooEarlyError, match=r"welcome: .*Nobody has been exposed"):
        measured([], exposures({}), BOUGHT)


def test_a_control_without_people_is_an_error(measured: Measure) -> None:
    with pytest.raises(DataError, match="Nobody is in the control 'holdout'"):
        measured([], exposures({"t0": "treated"}), BOUGHT)


def test_an_arm_without_a_share_is_an_error(measured: Measure) -> None:
    with pytest.raises(DataError, match="do not name the arm 'other'"):
        measured([], exposures(four() | {"o": "other"}), BOUGHT)


def test_a_sum_of_nothing_is_an_error(measured: Measure) -> None:
    with pytest.raises(DefinitionError, match=r"revenue: .*property"):
        measured([], exposures(four()), Metric("revenue", SUM, ("Order Completed",)))
    with pytest.raises(DefinitionError, match="found 'average'"):
        measured([], exposures(four()), Metric("revenue", "average", ("Order Completed",)))


def test_a_name_cannot_break_out_of_the_statement(measured: Measure) -> None:
    odd = Metric("odd", SUM, ('It\'s "odd"',), property="a\"b'c")
    lift = measured([("t0", 'It\'s "odd"', WEEK, {"a\"b'c": 8})], exposures(four()), odd)
    assert only(lift, "odd").arm_mean == 2


def test_as_long_a_time_is_looked_at_before_as_after(measured: Measure) -> None:
    """Who came back on day 3 has one day to, so the day before the exposure stands beside it."""
    people = {f"p{i}": "treated" if i % 2 else "holdout" for i in range(60)}
    back = replace(BOUGHT, after=timedelta(days=3), within=timedelta(days=4))
    days: list[Event] = [
        (person, "Order Completed", timedelta(days=day), {}) for person in people for day in (-2, 9)
    ]
    few: list[Event] = [(f"p{i}", "Order Completed", timedelta(days=3.5), {}) for i in range(12)]
    assert "before_exposure" not in named(measured([*days, *few], exposures(people), back))


@pytest.mark.parametrize("after", [0, 1])
def test_without_a_window_a_long_past_is_usual(measured: Measure, after: int) -> None:
    people = {f"p{i}": "treated" if i % 2 else "holdout" for i in range(60)}
    ever = replace(BOUGHT, within=None)
    did: list[Event] = [(p, "Order Completed", timedelta(days=-9), {}) for p in people]
    did += [bought("p1")] * after
    assert ("before_exposure" in named(measured(did, exposures(people), ever))) is not bool(after)
