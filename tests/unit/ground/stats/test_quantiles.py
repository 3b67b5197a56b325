"""Effects on quantiles, by hand and by the binomial law."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import (
    AlwaysValid,
    Fixed,
    QuantileEffect,
    Rule,
    compare_quantile,
    fewest_for_quantile,
)

random = np.random.default_rng(19)
CONTROL, TREATED = random.lognormal(1, 1, size=3_000), random.lognormal(1.3, 1, size=2_000)
COUNTING = np.arange(1.0, 21.0)


def unknown(found: QuantileEffect) -> bool:
    return all(math.isnan(value) for value in astuple(found)[3:])


def test_three_people_an_arm_say_nothing_of_a_quantile() -> None:
    for quantile in (0.99, 0.5):
        found = compare_quantile(
            np.array([10.0, 20, 30]), np.array([10.0, 20, 35]), quantile, Fixed()
        )
        assert unknown(found)
    assert (found.control, found.treated, found.effect) == (20, 20, 0)


@pytest.mark.parametrize(
    ("quantile", "fewest"), [(0.99, 1_000), (0.01, 1_000), (0.95, 200), (0.5, 20)]
)
def test_ten_are_expected_on_the_thinner_side(quantile: float, fewest: int) -> None:
    assert fewest_for_quantile(quantile, Fixed()) == fewest
    few, enough = random.normal(size=fewest - 1), random.normal(size=fewest)
    assert unknown(compare_quantile(few, enough, quantile, Fixed()))
    assert unknown(compare_quantile(enough, few, quantile, Fixed()))
    assert not unknown(compare_quantile(enough, enough, quantile, Fixed()))


def test_at_any_look_as_many_are_needed_as_have_an_interval() -> None:
    fewest = fewest_for_quantile(0.5, AlwaysValid())
    rows = random.normal(size=(2, fewest))
    assert fewest > 20
    assert not unknown(compare_quantile(rows[0], rows[1], 0.5, AlwaysValid()))
    assert unknown(compare_quantile(rows[0, 1:], rows[1, 1:], 0.5, AlwaysValid()))


def test_an_interval_counted_by_hand() -> None:
    """1 to 20 beside itself.

    Were 7 the median, 7 of 20 or fewer lie below: a surprise of 2 (7 ln 0.7 + 13 ln 1.3) = 1.83;
    so is 14. Both together are 3.66, less than the 3.84 of chi-square. 6 alone is 3.29, and beside
    it 14 is too much, and 12 (0.20) is not farther. So the medians are at most 7 apart.
    """
    found = compare_quantile(COUNTING, COUNTING, 0.5, Fixed())
    assert (found.control, found.treated, found.effect, found.p_value) == (10.5, 10.5, 0, 1)
    within = [
        there - here
        for here in range(1, 21)
        for there in range(1, 21)
        if _surprise(here) + _surprise(there) <= stats.chi2.ppf(0.95, 1)
    ]
    assert (found.low, found.high) == (min(within), max(within)) == (-7, 7)


def _surprise(value: int) -> float:
    """Of a value of 1 to 20 being the median: value - 1 or value lie below it, the likelier is."""
    return min(
        2 * sum(n * math.log(n / 10) for n in (below, 20 - below) if n)
        for below in (value - 1, value)
    )


@pytest.mark.parametrize("rule", [Fixed(), AlwaysValid()])
def test_equal_values_are_one_value(rule: Rule) -> None:
    """Half of everybody at 0 and half at 1: any median from 0 to 1 is compatible with that."""
    values = np.repeat([0.0, 1.0], 500)
    found = compare_quantile(values, values, 0.5, rule)
    assert (found.control, found.low, found.high) == (0.5, -1, 1)
    same = compare_quantile(np.zeros(500), np.zeros(600), 0.5, rule)
    assert (same.effect, same.low, same.high, same.p_value) == (0, 0, 0, 1)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
def test_many_values_have_about_the_interval_of_the_bootstrap(quantile: float) -> None:
    oracle = stats.bootstrap(
        (CONTROL, TREATED),
        lambda a, b, axis: np.quantile(b, quantile, axis) - np.quantile(a, quantile, axis),
        n_resamples=3_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = compare_quantile(CONTROL, TREATED, quantile, Fixed())
    width = oracle.high - oracle.low
    assert found.low == pytest.approx(oracle.low, abs=width / 7)
    assert found.high == pytest.approx(oracle.high, abs=width / 7)


@pytest.mark.parametrize("rule", [Fixed(), AlwaysValid()])
def test_stretching_the_values_changes_no_p_value(rule: Rule) -> None:
    plain = compare_quantile(CONTROL, TREATED, 0.9, rule)
    stretched = compare_quantile(np.exp(CONTROL), np.exp(TREATED), 0.9, rule)
    assert plain.p_value == pytest.approx(stretched.p_value)
    assert (plain.low > 0) == (stretched.low > 0) == (plain.p_value < rule.alpha)


def test_the_effect_is_the_difference_of_quantiles() -> None:
    found = compare_quantile(CONTROL, TREATED, 0.5, Fixed())
    assert found.effect == pytest.approx(float(np.median(TREATED) - np.median(CONTROL)))
    assert found.lift_low < found.effect / found.control < found.lift_high


def test_what_is_no_quantile_is_refused() -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        compare_quantile(CONTROL, TREATED, 1.0, Fixed())
    with pytest.raises(DataError, match="one outcome"):
        compare_quantile(CONTROL, TREATED[:0], 0.5, Fixed())
