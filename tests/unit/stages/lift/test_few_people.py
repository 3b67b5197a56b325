"""What a few people say of a metric: never more than can be, and why it is so little."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from courtesy.ground.stats import AlwaysValid, Fixed, Moments, Rule
from courtesy.stages.experiments import Change, Guardrail
from courtesy.stages.lift import Design, Metric, Outcome, Plan, as_data, as_text, conclude, looks
from courtesy.stages.lift.columns import bounds_of
from courtesy.stages.lift.limits import futile, guarded
from courtesy.stages.lift.model import (
    CONVERSION,
    COUNT,
    PROPORTION,
    SUM,
    TIME,
    Comparison,
    Look,
    Tally,
)
from courtesy.stages.lift.quantile import compared

UNITS = {"control": 21, "treated": 21}
QUANTILE = Metric("p99", SUM, ("Order",), "total", quantile=0.99)


def bought(control: int, treated: int) -> Outcome:
    hits = {"control": control, "treated": treated}
    moments = {arm: Moments.of_counts(UNITS[arm], hits[arm]) for arm in UNITS}
    return Outcome("bought", PROPORTION, moments, bounds=(0.0, 1.0))


@pytest.mark.parametrize("rule", [Fixed(), AlwaysValid()])
@pytest.mark.parametrize("hits", [(0, 0), (0, 21), (21, 21), (5, 9), (20, 1), (1, 0)])
def test_shares_of_42_people_differ_by_100_points_at_most(
    rule: Rule, hits: tuple[int, int]
) -> None:
    design = Design("it", "control", UNITS, None, rule)
    lift = conclude(design, [bought(*hits)])
    (found,) = lift.comparisons
    days = looks(design, [Tally("2026-03-01", UNITS, (bought(*hits),))])
    every: list[Comparison | Look] = [found, *days]
    for one in every:
        assert one.effect is not None
        assert one.effect_low is not None
        assert one.effect_high is not None
        assert -1 <= one.effect_low <= one.effect <= one.effect_high <= 1
    assert found.lift_low is None or found.lift_low >= -1
    assert "unknown to unknown" not in as_text(lift)


def test_an_arm_of_one_says_how_many_it_takes() -> None:
    moments = {"control": Moments.of_counts(1, 1), "treated": Moments.of_counts(21, 3)}
    outcome = replace(bought(0, 0), moments=moments)
    lift = conclude(Design("it", "control", {**UNITS, "control": 1}, None), [outcome])
    (row,) = as_data(lift)["comparisons"]
    assert (row["effect_low"], row["effect_high"], row["verdict"]) == (None, None, "unknown")
    assert row["no_interval"] == "too few to say: it takes 2 units in each arm, and control has 1"
    assert row["no_interval"] in as_text(lift)
    assert "unknown to unknown" not in as_text(lift)


def test_the_bounds_are_those_of_the_kind() -> None:
    week = timedelta(days=7)
    metric = Metric("m", CONVERSION, ("Order",), within=week)
    assert bounds_of(metric) == (0, 1)
    assert bounds_of(replace(metric, kind=TIME)) == (0, 7)
    assert bounds_of(replace(metric, kind=COUNT, cap=3.0)) == (0, 3)
    assert bounds_of(replace(metric, kind=SUM))[0] == -np.inf  # money is given back, too


@pytest.mark.parametrize("rule", [Fixed(), AlwaysValid()])
def test_a_quantile_of_too_few_is_no_result_for_any_plan(rule: Rule) -> None:
    plan = Plan("e", "control", [QUANTILE], rule=rule)
    arms = {"control": np.array([10.0, 20, 30]), "treated": np.array([10.0, 20, 35])}
    (found,) = compared(plan, QUANTILE, arms)
    assert (found.control_mean, found.arm_mean, found.effect) == (30, 35, 5)
    assert (found.effect_low, found.effect_high, found.p_value) == (None, None, None)
    assert "it takes 1,000 people in each arm, and control has 3" in found.no_interval
    assert guarded(found, Guardrail("p99", Change(1, relative=False))) == "open"
    assert not futile(found, Change(100, relative=False))


def test_means_are_the_arms_own_beside_the_adjusted_ones() -> None:
    random = np.random.default_rng(3)
    before = {"control": random.normal(5, 1, 60), "treated": random.normal(6, 1, 60)}
    rows = {arm: np.column_stack([x + random.normal(size=60), x]) for arm, x in before.items()}
    moments = {arm: Moments.of(table) for arm, table in rows.items()}
    outcome = Outcome("spent", "mean", moments, ((0, None), (1, None)))
    lift = conclude(Design("it", "control", dict.fromkeys(rows, 60), None, Fixed()), [outcome])
    (found,) = lift.comparisons
    assert found.control_mean == pytest.approx(rows["control"][:, 0].mean())
    assert found.arm_mean == pytest.approx(rows["treated"][:, 0].mean())
    treated = np.repeat([0.0, 1.0], 60)
    every = np.concatenate([rows["control"], rows["treated"]])
    design = np.column_stack([np.ones(120), treated, every[:, 1]])
    effect = np.linalg.lstsq(design, every[:, 0], rcond=None)[0][1]
    assert found.effect == pytest.approx(effect)
    assert found.arm_mean_adjusted is not None
    assert found.control_mean_adjusted is not None
    assert found.arm_mean_adjusted - found.control_mean_adjusted == pytest.approx(effect)
    assert "adjusted for what was known before" in as_text(lift)
    assert f"adjusted {found.control_mean_adjusted:.4g}" in as_text(lift)
