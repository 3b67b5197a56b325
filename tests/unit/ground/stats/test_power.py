"""People needed, against statsmodels."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.regression.quantile_regression import hall_sheather
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import (
    AlwaysValid,
    Fixed,
    Moments,
    Sizing,
    compare_quantile,
    people_needed,
    power,
    quantile_moments,
    ratios,
)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_people_needed_are_those_of_statsmodels(share: float) -> None:
    first = TTestIndPower().solve_power(0.1, power=0.9, alpha=0.05, ratio=share / (1 - share))
    found = people_needed(Sizing(2.0, 400.0, 400.0, share), Fixed(), 0.9)
    assert found == pytest.approx(first / (1 - share), rel=1e-3)


def test_power_is_that_of_statsmodels() -> None:
    found = power(Sizing(2.0, 400.0, 400.0), [500, 2_000, 8_000], Fixed())
    for units, chance in zip((500, 2_000, 8_000), found, strict=True):
        assert float(chance) == pytest.approx(
            NormalIndPower().power(0.1, units / 2, 0.05), abs=3e-3
        )


def test_a_proportion_has_its_own_variance() -> None:
    sizing = Sizing.of_shares(0.10, 0.12)
    expected = (1.959964 + 0.841621) ** 2 * 2 * (0.10 * 0.90 + 0.12 * 0.88) / 0.02**2
    assert people_needed(sizing, Fixed()) == pytest.approx(expected, rel=2e-3)


def test_history_saves_the_people_that_it_explains() -> None:
    random = np.random.default_rng(1)
    before = random.normal(size=20_000)
    rows = np.column_stack([before * 2 + random.normal(size=20_000), before])
    plain = people_needed(Sizing.of_history(0.1, Moments.of(rows[:, :1])), Fixed())
    helped = people_needed(Sizing.of_history(0.1, Moments.of(rows)), Fixed())
    assert helped / plain == pytest.approx(1 / 5, rel=0.03)


def test_a_ratio_is_planned_by_its_linear_pieces() -> None:
    random = np.random.default_rng(2)
    sessions = 1 + random.poisson(2, size=20_000)
    rows = np.column_stack([random.binomial(sessions, 0.3), sessions]).astype(np.float64)
    sizing = Sizing.of_history(0.01, ratios(Moments.of(rows), [(0, 1)]))
    assert sizing.control_variance == pytest.approx(0.3 * 0.7 / 3, rel=0.05)


def test_looking_at_any_time_costs_people() -> None:
    sizing = Sizing.of_shares(0.10, 0.12)
    assert 1 < people_needed(sizing, AlwaysValid()) / people_needed(sizing, Fixed()) < 4


@pytest.mark.parametrize("sizing", [Sizing(0, 1, 1), Sizing(1, 1, 1, 0), Sizing(1, 1, 1, 1)])
def test_what_cannot_be_found_is_refused(sizing: Sizing) -> None:
    with pytest.raises(DataError):
        people_needed(sizing, Fixed())


def test_what_nobody_could_find_is_refused() -> None:
    with pytest.raises(DataError, match="would not be enough"):
        people_needed(Sizing(1e-9, 1, 1), Fixed())


def test_a_quantile_has_the_variance_of_the_density_around_it() -> None:
    values = np.random.default_rng(1).normal(5, 2, size=50_000)
    found = quantile_moments(values, 0.75)
    expected = 0.75 * 0.25 / (norm.pdf(norm.ppf(0.75)) / 2) ** 2
    assert float(found.mean[0]) == pytest.approx(5 + 2 * norm.ppf(0.75), abs=0.05)
    assert float(found.covariance[0, 0]) == pytest.approx(expected, rel=0.05)


def test_the_bandwidth_is_that_of_quantile_regression() -> None:
    ramp = np.linspace(0.0, 1.0, 1_001) ** 3
    width = hall_sheather(1_001, 0.5)
    low, high = np.quantile(ramp, [0.5 - width, 0.5 + width])
    found = quantile_moments(ramp, 0.5)
    assert float(found.scatter[0, 0]) == pytest.approx(
        1_001 * 0.25 * ((high - low) / 2 / width) ** 2
    )


def test_a_pilot_on_a_median_finds_its_effect_as_often_as_planned() -> None:
    random = np.random.default_rng(2)
    past = quantile_moments(random.lognormal(3, 1, size=4_000), 0.5)
    effect = 0.25 * float(past.mean[0])
    units = people_needed(Sizing.of_history(effect, past), Fixed()) // 2
    drawn = random.lognormal(3, 1, size=(2, 600, units)) + np.array([0.0, effect])[:, None, None]
    found = [
        compare_quantile(control, treated, 0.5, Fixed()).low > 0
        for control, treated in zip(*drawn, strict=True)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("values", "said"), [([1.0], "found 1"), ([0.0] * 99 + [5.0], "has 0;")])
def test_a_quantile_that_cannot_move_is_refused(values: list[float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        quantile_moments(np.array(values), 0.5)
