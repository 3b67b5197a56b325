"""Differences and lifts, against statsmodels and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from courtesy.ground.stats import (
    AlwaysValid,
    Array,
    Effect,
    Estimate,
    Fixed,
    Moments,
    compare,
    mean_of,
)

random = np.random.default_rng(7)
CONTROL = random.gamma(2, 5, size=400)
TREATED = random.gamma(2, 6, size=700)


def estimate(values: Array) -> Estimate:
    return mean_of(Moments.of(values[:, None]))


def known(value: float, variance: float, units: float = 1e9) -> Estimate:
    return Estimate(np.array(value), np.array(variance), np.array(units))


def shown(control: Array = CONTROL, treated: Array = TREATED, alpha: float = 0.05) -> Effect:
    return compare(estimate(control), estimate(treated), Fixed(alpha))


def test_difference_of_means_is_welchs() -> None:
    oracle = CompareMeans(DescrStatsW(TREATED), DescrStatsW(CONTROL))
    low, high = oracle.tconfint_diff(usevar="unequal")
    p_value = stats.ttest_ind(TREATED, CONTROL, equal_var=False).pvalue
    effect = shown()
    assert float(effect.low) == pytest.approx(low, rel=1e-9)
    assert float(effect.high) == pytest.approx(high, rel=1e-9)
    assert float(effect.p_value) == pytest.approx(p_value, rel=1e-6)


def test_difference_of_proportions_is_walds_at_size() -> None:
    control, treated = Moments.of_counts(20_000, 1_000), Moments.of_counts(21_000, 1_200)
    low, high = confint_proportions_2indep(
        1_200, 21_000, 1_000, 20_000, method="wald", compare="diff"
    )
    effect = compare(mean_of(control), mean_of(treated), Fixed())
    assert float(effect.low) == pytest.approx(low, rel=1e-3)
    assert float(effect.high) == pytest.approx(high, rel=1e-3)


def test_lift_of_a_firm_control_is_the_delta_methods() -> None:
    effect, ratio = shown(), TREATED.mean() / CONTROL.mean()
    spread = TREATED.var(ddof=1) / 700 / TREATED.mean() ** 2
    spread += CONTROL.var(ddof=1) / 400 / CONTROL.mean() ** 2
    half = stats.t.isf(0.025, 800) * ratio * np.sqrt(spread)
    assert float(effect.lift) == pytest.approx(ratio - 1)
    assert float(effect.lift_low) == pytest.approx(ratio - 1 - half, rel=1e-2)
    assert float(effect.lift_high) == pytest.approx(ratio - 1 + half, rel=1e-2)


def test_lift_of_a_weak_control_is_fiellers() -> None:
    control, treated = known(1.0, 0.09), known(1.5, 0.04)

    def distance(ratio: float) -> float:
        return (1.5 - ratio) ** 2 - stats.norm.isf(0.025) ** 2 * (0.04 + ratio**2 * 0.09)

    effect = compare(control, treated, Fixed())
    assert float(effect.lift_low) + 1 == pytest.approx(optimize.brentq(distance, 0, 1.5), rel=1e-6)
    assert float(effect.lift_high) + 1 == pytest.approx(optimize.brentq(distance, 1.5, 9), rel=1e-6)


def test_lift_beside_a_control_that_could_be_zero_has_no_bounds() -> None:
    control, treated = known(0.1, 0.09, 100.0), known(1.5, 0.04, 100.0)
    effect = compare(control, treated, Fixed())
    assert float(effect.lift) == pytest.approx(14)
    assert np.isnan(effect.lift_low)
    assert np.isnan(effect.lift_high)


def test_lift_of_a_loss_is_relative_to_its_size() -> None:
    effect = shown(-CONTROL, -TREATED)
    mirrored = shown()
    assert float(effect.lift) == pytest.approx(-float(mirrored.lift))
    assert float(effect.lift_low) == pytest.approx(-float(mirrored.lift_high))
    assert float(effect.lift_high) == pytest.approx(-float(mirrored.lift_low))


@pytest.mark.parametrize("control", [np.zeros(50), np.full(50, 7.0)])
def test_where_nobody_differs_there_is_an_effect_and_no_interval(control: Array) -> None:
    effect = shown(control, control)
    assert float(effect.effect) == 0
    assert np.isnan(effect.low)
    assert np.isnan(effect.p_value)


def test_one_unit_is_too_few() -> None:
    effect = shown(CONTROL, TREATED[:1])
    assert np.isfinite(effect.effect)
    assert np.isnan(effect.low)


def test_nobody_at_all_is_unknown() -> None:
    effect = shown(CONTROL, np.empty(0))
    assert np.isnan(effect.effect)


@given(st.floats(1e-6, 1e9))
def test_scaling_units_scales_the_effect_and_leaves_the_lift(factor: float) -> None:
    effect, scaled = shown(), shown(CONTROL * factor, TREATED * factor)
    for name in ("effect", "low", "high"):
        expected = float(getattr(effect, name)) * factor
        assert float(getattr(scaled, name)) == pytest.approx(expected, rel=1e-6)
    for name in ("lift", "lift_low", "lift_high", "p_value"):
        assert float(getattr(scaled, name)) == pytest.approx(float(getattr(effect, name)), rel=1e-6)


@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 10_000))
def test_swapping_the_arms_mirrors_the_difference(left: int, right: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=left + right)
    one, other = shown(values[:left], values[left:]), shown(values[left:], values[:left])
    assert float(one.low) == pytest.approx(-float(other.high), abs=1e-12)
    assert float(one.p_value) == pytest.approx(float(other.p_value), abs=1e-12)


@given(st.floats(0.001, 0.5), st.integers(0, 10_000))
def test_the_p_value_is_below_alpha_exactly_when_the_interval_leaves_out_zero(
    alpha: float, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(size=(2, 80))
    values[1] += 0.3
    for rule in (Fixed(alpha), AlwaysValid(alpha)):
        effect = compare(estimate(values[0]), estimate(values[1]), rule)
        excluded = float(effect.low) > 0 or float(effect.high) < 0
        assert excluded == (float(effect.p_value) < alpha)
