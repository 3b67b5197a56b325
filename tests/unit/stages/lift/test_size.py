"""A plan's size, against what textbooks and simulated pasts say."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Fixed, Moments, compare, mean_of
from courtesy.stages.experiments.model import Change, Pilot
from courtesy.stages.lift.model import LOWER, MEAN, PROPORTION, RATIO, Outcome
from courtesy.stages.lift.size import Needed, Past, Size, size

EVEN = {"control": 0.5, "free": 0.5}


def pilot(effect: Change, **given: Any) -> Pilot:  # noqa: ANN401 - fields of the plan
    days = timedelta(days=28)
    return Pilot("It helps.", "bought", effect, {}, days, **given)


def conversions(people: int = 10_000, hits: int = 1_000) -> Outcome:
    return Outcome("bought", PROPORTION, {"history": Moments.of_counts(people, hits)})


def past(outcome: Outcome, arrivals: Sequence[int] = (100,), **given: Any) -> Past:  # noqa: ANN401 - fields of the past
    return Past(outcome, 10_000, arrivals, **given)


def needed(found: Size, rule: str = "fixed") -> Needed:
    (one,) = [needed for needed in found.needed if needed.rule == rule]
    return one


def test_a_conversion_needs_the_people_of_the_textbook() -> None:
    found = size(pilot(Change(0.02)), past(conversions()), EVEN, "control")
    expected = (1.959964 + 0.841621) ** 2 * 2 * (0.10 * 0.90 + 0.12 * 0.88) / 0.02**2
    assert needed(found).people == pytest.approx(expected, rel=2e-3)
    cohen = proportion_effectsize(0.12, 0.10)
    oracle = NormalIndPower().solve_power(cohen, power=0.8, alpha=0.05)
    assert needed(found).people == pytest.approx(2 * oracle, rel=0.01)
    assert needed(found).people < needed(found, "always-valid").people


def test_a_relative_effect_is_one_of_the_baseline() -> None:
    relative = size(pilot(Change(0.2, relative=True)), past(conversions()), EVEN, "control")
    absolute = size(pilot(Change(0.02)), past(conversions()), EVEN, "control")
    assert relative.effect == pytest.approx(0.02)
    assert absolute.relative == pytest.approx(0.2)
    assert needed(relative) == needed(absolute)


def test_where_less_is_better_the_effect_points_down() -> None:
    outcome = Outcome(
        "left", PROPORTION, {"history": Moments.of_counts(10_000, 1_000)}, better=LOWER
    )
    found = size(pilot(Change(0.02)), past(outcome), EVEN, "control")
    assert found.effect == -0.02
    expected = (1.959964 + 0.841621) ** 2 * 2 * (0.10 * 0.90 + 0.08 * 0.92) / 0.02**2
    assert needed(found).people == pytest.approx(expected, rel=2e-3)


def test_several_arms_share_alpha_and_the_smallest_pair_decides() -> None:
    shares = {"control": 0.5, "a": 0.3, "b": 0.2}
    found = size(pilot(Change(0.1)), past(_means(1.0)), shares, "control")
    pair = TTestIndPower().solve_power(0.1, power=0.8, alpha=0.025, ratio=0.2 / 0.5)
    assert needed(found).people == pytest.approx(pair * 0.7 / 0.5 / 0.7, rel=1e-3)
    assert needed(found).arms["b"] == pytest.approx(needed(found).people * 0.2, abs=1)
    assert found.comparisons == 2


def test_what_history_explains_is_gained() -> None:
    random = np.random.default_rng(1)
    before = random.normal(size=20_000)
    rows = np.column_stack([before * 2 + random.normal(size=20_000), before])
    outcome = Outcome("spent", MEAN, {"history": Moments.of(rows)}, ((0, None), (1, None)))
    found = size(pilot(Change(0.1)), past(outcome), EVEN, "control")
    alone = size(pilot(Change(0.1)), past(Outcome("spent", MEAN, outcome.moments)), EVEN, "control")
    assert found.cuped_gain == pytest.approx(0.8, abs=0.01)
    assert alone.cuped_gain is None
    assert needed(found).people / needed(alone).people == pytest.approx(0.2, rel=0.03)


def test_a_ratio_varies_like_its_linear_pieces() -> None:
    random = np.random.default_rng(2)
    sessions = 1 + random.poisson(2, size=20_000)
    rows = np.column_stack([random.binomial(sessions, 0.3), sessions]).astype(np.float64)
    outcome = Outcome("click rate", RATIO, {"history": Moments.of(rows)}, ((0, 1),))
    found = size(pilot(Change(0.01)), past(outcome), EVEN, "control")
    assert found.baseline == pytest.approx(0.3, abs=0.01)
    assert found.deviation**2 == pytest.approx(0.3 * 0.7 / 3, rel=0.05)


def test_a_planned_experiment_finds_its_effect_as_often_as_planned() -> None:
    random = np.random.default_rng(3)
    found = size(pilot(Change(0.03)), past(conversions()), EVEN, "control")
    units = needed(found).people // 2
    control = Moments.of_counts(np.full(4_000, units), random.binomial(units, 0.10, 4_000))
    treated = Moments.of_counts(np.full(4_000, units), random.binomial(units, 0.13, 4_000))
    seen = compare(mean_of(control), mean_of(treated), Fixed())
    assert np.mean(seen.low > 0) == pytest.approx(0.8, abs=0.02)


def test_clusters_count_once_and_bring_their_people() -> None:
    rows = np.tile([[0.0, 2.0], [2.0, 2.0]], (2_500, 1))
    outcome = Outcome("bought", MEAN, {"history": Moments.of(rows)}, ((0, 1),), clustered=True)
    found = size(pilot(Change(0.1)), past(outcome), EVEN, "control")
    assert found.people_of_unit == 2
    clusters = 2 * TTestIndPower().solve_power(0.1 / 0.5, power=0.8, alpha=0.05)
    assert needed(found).people == pytest.approx(2 * clusters, rel=1e-3)


def test_days_follow_the_pace_of_the_past_then_that_of_its_later_half() -> None:
    people = needed(size(pilot(Change(0.02)), past(conversions()), EVEN, "control")).people
    flood = past(conversions(), [people, 0, 0, 0])
    assert needed(size(pilot(Change(0.02)), flood, EVEN, "control")).days == 1
    drops = past(conversions(), [people // 2, 10, 10, 10])
    rest = people - people // 2 - 30
    days = 4 + -(-rest // 10)
    assert needed(size(pilot(Change(0.02)), drops, EVEN, "control")).days == days


def test_days_wait_for_the_last_to_respond_and_for_the_traffic() -> None:
    people = needed(size(pilot(Change(0.02)), past(conversions()), EVEN, "control")).people
    steady = past(conversions(), [people], respond=timedelta(days=3, hours=1))
    plan = pilot(Change(0.02))
    assert needed(size(plan, steady, EVEN, "control")).days == 1 + 4
    assert needed(size(plan, steady, EVEN, "control", [0.1, 0.5])).days == 3 + 4
    assert needed(size(plan, steady, EVEN, "control", [0.0])).days is None
    assert needed(size(plan, past(conversions(), []), EVEN, "control")).days is None


def test_a_huge_effect_needs_few_people() -> None:
    found = size(pilot(Change(50.0)), past(_means(1.0)), EVEN, "control")
    assert 2 <= needed(found).people <= 30


@pytest.mark.parametrize(
    ("outcome", "effect", "said"),
    [
        (Outcome("m", MEAN, {"history": Moments.of([[1.0]])}), Change(1), "1 units"),
        (Outcome("m", MEAN, {"history": Moments.of(np.zeros((0, 1)))}), Change(1), "0 units"),
        (Outcome("m", MEAN, {"history": Moments.of([[2.0]] * 9)}), Change(1), "2 for everybody"),
        (conversions(100, 0), Change(0.1, relative=True), "everybody"),
        (
            Outcome("m", MEAN, {"history": Moments.of([[1.0], [-1.0]])}),
            Change(0.1, relative=True),
            "baseline of zero",
        ),
        (conversions(100, 95), Change(0.1), "cannot move by"),
        (
            Outcome("m", RATIO, {"history": Moments.of([[1.0, 0.0]] * 9)}, ((0, 1),)),
            Change(1),
            "too little",
        ),
        (
            Outcome("m", MEAN, {"history": Moments.of([[1.0], [-1.0], [3.0]])}),
            Change(0),
            "It takes an effect",
        ),
    ],
)
def test_what_cannot_be_sized_is_refused(outcome: Outcome, effect: Change, said: str) -> None:
    with pytest.raises(DataError, match=said):
        size(pilot(effect), past(outcome), EVEN, "control")


def _means(deviation: float) -> Outcome:
    rows = np.tile([[-deviation], [deviation]], (5_000, 1)) + 3
    return Outcome("spent", MEAN, {"history": Moments.of(rows)})
