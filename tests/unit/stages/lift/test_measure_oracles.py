"""Effects in the home against NumPy and statsmodels on the raw rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.rules import Did
from courtesy.ground.stats import Fixed
from courtesy.stages.events.model import EVENTS
from courtesy.stages.experiments import EXPOSED
from courtesy.stages.lift import CONVERSION, SUM, TIME, Comparison, Lift, Metric, Plan, measure
from courtesy.stages.lift.quantile import values

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
SPENT = Metric("spent", SUM, ("Order",), "total", within=WEEK)
Column = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass
class World:
    """People with what they spent before and after, in households of all sizes."""

    arm: list[str]
    unit: list[str]
    before: Column
    after: Column


def world(number: int = 600) -> World:
    random = np.random.default_rng(1)
    house = np.unique(np.sort(random.integers(0, number // 3, number)), return_inverse=True)[1]
    arm = ["control" if random.random() < 0.5 else "treated" for _ in range(house[-1] + 1)]
    taste = random.normal(0, 1, house[-1] + 1)[house]
    before = np.round(np.exp(2 + taste + random.normal(0, 0.5, number)), 2)
    after = np.round(before * 0.5 + np.exp(random.normal(1, 1, number)), 2)
    return World([arm[h] for h in house], [f"h{h}" for h in house], before, after)


def event(number: int, after: timedelta, name: str, properties: str = "{}") -> dict[str, object]:
    return {
        "message_id": f"{number}-{name}-{after}",
        "person_id": f"p{number}",
        "type": "track",
        "event": name,
        "occurred_at": START + after,
        "received_at": START + after,
        "source": "test",
        "properties": properties,
        "context": "{}",
    }


def orders(given: World) -> list[dict[str, object]]:
    return [
        event(i, after, "Order", f'{{"total":{total!r}}}')
        for after, totals in ((-HOUR, given.before), (HOUR, given.after))
        for i, total in enumerate(totals.tolist())
    ]


def exposed(given: World) -> pl.DataFrame:
    number = len(given.arm)
    return pl.DataFrame(
        {
            "experiment": ["e"] * number,
            "person_id": [f"p{i}" for i in range(number)],
            "arm": given.arm,
            "exposed_at": [START] * number,
            "entry": ["{}"] * number,
            "unit": given.unit,
        },
        schema=EXPOSED,
    )


Engine = Callable[[list[dict[str, object]]], DuckDBEngine]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    def filled(rows: list[dict[str, object]]) -> DuckDBEngine:
        lake = Lake(tmp_path)
        lake.append(EVENTS, pl.DataFrame(rows, schema=EVENTS.schema), writer="test", version=1)
        return DuckDBEngine(lake)

    return filled


def found(lift: Lift, metric: str = "spent") -> Comparison:
    (one,) = [c for c in lift.comparisons if c.metric == metric]
    return one


def told(lift: Lift) -> Mapping[str, str]:
    return {notice.name: notice.detail for notice in lift.warnings}


def test_a_difference_is_welch_s(engine: Engine) -> None:
    given = world()
    plan = Plan("e", "control", [SPENT], rule=Fixed())
    shown = found(measure(engine(orders(given)), exposed(given), plan, now=NOW))
    treated = np.array(given.arm) == "treated"
    test = stats.ttest_ind(given.after[treated], given.after[~treated], equal_var=False)
    ends = test.confidence_interval(0.95)
    assert shown.effect == pytest.approx(given.after[treated].mean() - given.after[~treated].mean())
    assert (shown.effect_low, shown.effect_high) == pytest.approx((ends.low, ends.high))
    assert shown.p_value == pytest.approx(test.pvalue)


def test_clusters_have_the_error_of_a_robust_regression(engine: Engine) -> None:
    given = world()
    plan = Plan("e", "control", [SPENT], rule=Fixed(), clustered=True)
    lift = measure(engine(orders(given)), exposed(given), plan, now=NOW)
    shown = found(lift)
    variance = 0.0
    for arm in ("control", "treated"):
        mine = np.array(given.arm) == arm
        groups = np.unique(np.array(given.unit)[mine], return_inverse=True)[1]
        how = {"groups": groups, "use_correction": False}
        fit = sm.OLS(given.after[mine], np.ones(mine.sum())).fit(cov_type="cluster", cov_kwds=how)
        clusters = groups.max() + 1
        variance += float(fit.bse[0]) ** 2 * clusters / (clusters - 1)
    assert shown.effect_high is not None
    assert shown.effect is not None
    assert "clustered" in shown.method
    assert (shown.effect_high - shown.effect) == pytest.approx(
        np.sqrt(variance) * stats.t.isf(0.025, 198), rel=0.01
    )
    assert sum(arm.units for arm in lift.arms) == 600
    assert shown.control_units + shown.arm_units == len(set(given.unit)) < 200


def test_history_does_what_analysis_of_covariance_does(engine: Engine) -> None:
    given = world()
    plan = Plan("e", "control", [SPENT], rule=Fixed(), history=2 * WEEK)
    shown = found(measure(engine(orders(given)), exposed(given), plan, now=NOW))
    treated = (np.array(given.arm) == "treated").astype(float)
    design = sm.add_constant(np.column_stack([treated, given.before]))
    fit = sm.OLS(given.after, design).fit(cov_type="HC1")
    assert shown.effect == pytest.approx(float(fit.params[1]), rel=1e-9)
    assert shown.effect_high is not None
    half = float(fit.bse[1]) * stats.t.isf(0.025, 590)
    assert shown.effect_high - float(fit.params[1]) == pytest.approx(half, rel=0.02)


def test_a_billion_more_for_everybody_changes_no_effect(engine: Engine) -> None:
    given = world()
    treated = (np.array(given.arm) == "treated").astype(float)
    fit = sm.OLS(given.after, sm.add_constant(np.column_stack([treated, given.before]))).fit()
    given.before, given.after = given.before + 1e9, given.after + 1e9
    plan = Plan("e", "control", [SPENT], rule=Fixed(), history=2 * WEEK)
    shown = found(measure(engine(orders(given)), exposed(given), plan, now=NOW))
    assert shown.effect == pytest.approx(float(fit.params[1]), abs=1e-5)
    assert shown.effect_low is not None
    assert shown.effect_high is not None
    assert shown.effect_low < shown.effect_high < shown.effect_low + 3


@pytest.mark.parametrize("clustered", [False, True])
def test_a_billion_times_as_much_is_a_billion_times_the_effect(
    tmp_path: Path,
    clustered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    plan = Plan("e", "control", [SPENT], rule=Fixed(), history=2 * WEEK, clustered=clustered)
    shown = []
    for scale in (1.0, 1e9):
        given = world(90)
        given.before, given.after = given.before * scale, given.after * scale
        lake = Lake(tmp_path / f"{scale:g}")
        rows = pl.DataFrame(orders(given), schema=EVENTS.schema)
        lake.append(EVENTS, rows, writer="test", version=1)
        shown.append(found(measure(DuckDBEngine(lake), exposed(given), plan, now=NOW)))
    for field in ("effect", "effect_low", "effect_high", "control_mean"):
        small, large = (getattr(one, field) for one in shown)
        assert large == pytest.approx(1e9 * small, rel=1e-9)


def test_refunds_make_a_sum_negative(engine: Engine) -> None:
    given = World(["control"] * 3 + ["treated"] * 3, list("abcdef"), np.zeros(6), np.zeros(6))
    given.after = np.array([-5.0, -1.0, -3.0, -9.0, -9.5, -8.5])
    lift = measure(
        engine(orders(given)), exposed(given), Plan("e", "control", [SPENT], rule=Fixed()), now=NOW
    )
    assert (found(lift).control_mean, found(lift).arm_mean) == (-3, -9)
    assert found(lift).lift == pytest.approx(-2)


@pytest.mark.parametrize("text", ['"NaN"', '"Infinity"', "1e300", '"x"', "null", "true", "[5]"])
def test_what_is_no_number_adds_nothing(engine: Engine, text: str) -> None:
    given = world(12)
    rows = [*orders(given), event(0, 2 * HOUR, "Order", f'{{"total":{text}}}')]
    plan = Plan("e", "control", [SPENT], rule=Fixed())
    shown = found(measure(engine(rows), exposed(given), plan, now=NOW))
    control = given.after[np.array(given.arm) == "control"]
    assert shown.control_mean == pytest.approx(control.mean())


def test_time_is_counted_in_days_and_ends_with_the_window(engine: Engine) -> None:
    given = World(["control"] * 2 + ["treated"] * 2, list("abcd"), np.zeros(4), np.zeros(4))
    rows = [
        event(0, timedelta(days=3), "Order"),
        event(0, timedelta(days=1), "Order"),
        event(2, timedelta(hours=12), "Order"),
        event(3, timedelta(days=9), "Order"),
    ]
    first = Metric("first", TIME, ("Order",), within=WEEK)
    lift = measure(engine(rows), exposed(given), Plan("e", "control", [first]), now=NOW)
    assert (found(lift, "first").control_mean, found(lift, "first").arm_mean) == (4, 3.75)


def test_the_triggered_count_from_their_trigger_on(engine: Engine) -> None:
    given = World(["control"] * 4 + ["treated"] * 4, list("abcdefgh"), np.zeros(8), np.zeros(8))
    rows = [event(i, timedelta(days=2), "Checkout") for i in (0, 1, 4)]
    rows += [event(5, timedelta(0), "Checkout"), event(6, -HOUR, "Checkout")]
    rows += [event(0, HOUR, "Order"), event(4, timedelta(days=3), "Order")]
    bought = Metric("bought", CONVERSION, ("Order",), within=WEEK)
    plan = Plan("e", "control", [bought], trigger=Did("Checkout"))
    shown = found(measure(engine(rows), exposed(given), plan, now=NOW), "bought")
    assert (shown.control_mean, shown.arm_mean) == (0, 0.5)
    assert (shown.control_units, shown.arm_units) == (2, 2)
    plan = Plan("e", "control", [bought], trigger=Did("Nothing"))
    with pytest.raises(DataError, match="come to its trigger"):
        measure(engine([]), exposed(given), plan, now=NOW)


def test_clusters_in_two_arms_are_named(engine: Engine) -> None:
    given = world(30)
    given.unit = ["same"] * 30
    plan = Plan("e", "control", [SPENT], rule=Fixed(), clustered=True)
    lift = measure(engine(orders(given)), exposed(given), plan, now=NOW)
    assert told(lift)["two_arm_clusters"].startswith("1 clusters have people in several arms")


def test_clusters_whose_time_is_not_over_are_counted_in_people(engine: Engine) -> None:
    given = world(30)
    people = exposed(given).with_columns(
        exposed_at=pl.when(pl.col("person_id") == "p4")
        .then(pl.lit(NOW - HOUR))
        .otherwise(pl.col("exposed_at"))
    )
    plan = Plan("e", "control", [SPENT], rule=Fixed(), clustered=True)
    lift = measure(engine(orders(given)), people, plan, now=NOW)
    assert told(lift)["incomplete_follow_up"].endswith(": spent (1 of 30).")


def test_a_limit_that_leaves_nothing_is_named(engine: Engine) -> None:
    given = world(30)
    given.after = np.where(np.arange(30) < 2, 5.0, 0.0)
    held = Metric("held", SUM, ("Order",), "total", within=WEEK, winsorise=0.9)
    lift = measure(engine(orders(given)), exposed(given), Plan("e", "control", [held]), now=NOW)
    assert told(lift)["winsorised_away"].endswith(": held (90% of all people have 0 or less).")
    assert "constant_metric" in told(lift)


MEDIAN = Metric("median", SUM, ("Order",), "total", within=WEEK, quantile=0.5)


def test_a_quantile_is_that_of_everybody_s_values(engine: Engine) -> None:
    given = world()
    lake = engine(orders(given))
    plan = Plan("e", "control", [MEDIAN, SPENT], rule=Fixed(0.1))
    arms = values(lake, exposed(given), plan, MEDIAN, now=NOW)
    lift = measure(lake, exposed(given), plan, now=NOW)
    shown = found(lift, "median")
    treated = np.array(given.arm) == "treated"
    np.testing.assert_allclose(arms["treated"], np.sort(given.after[treated]))
    assert shown.control_mean == pytest.approx(np.median(given.after[~treated]))
    assert shown.arm_mean == pytest.approx(np.median(given.after[treated]))
    assert shown.method == "fixed, quantile 50%, empirical likelihood"
    assert shown.effect_low is not None
    assert shown.effect is not None
    assert shown.effect_high is not None
    assert shown.effect_low < shown.effect < shown.effect_high
    assert (shown.p_value or 0) < 0.1 or shown.effect_low <= 0 <= shown.effect_high
    assert [c.metric for c in lift.comparisons] == ["median", "spent"]
    assert found(measure(lake, exposed(given), plan, now=NOW), "median") == shown


def test_a_plan_may_have_quantiles_alone(engine: Engine) -> None:
    given = world(60)
    lift = measure(engine(orders(given)), exposed(given), Plan("e", "control", [MEDIAN]), now=NOW)
    assert [c.metric for c in lift.comparisons] == ["median"]
    assert [arm.arm for arm in lift.arms] == ["control", "treated"]


def test_clusters_have_no_quantiles(engine: Engine) -> None:
    given = world(60)
    plan = Plan("e", "control", [MEDIAN, SPENT], clustered=True)
    lift = measure(engine(orders(given)), exposed(given), plan, now=NOW)
    assert [c.metric for c in lift.comparisons] == ["spent"]
    assert "clusters were assigned" in told(lift)["no_quantile"]
