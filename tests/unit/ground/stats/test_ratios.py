"""Ratio metrics and clusters, by the delta method."""

import numpy as np
import pytest
import statsmodels.api as sm

from courtesy.ground.stats import Array, Moments, mean_of, ratios

random = np.random.default_rng(13)


def squared_error(rows: Array) -> float:
    return float(mean_of(ratios(Moments.of(rows), [(0, 1)])).variance)


def test_the_error_of_a_ratio_is_what_resampling_finds() -> None:
    sessions = 1 + random.poisson(3, size=2_000)
    clicks = random.binomial(sessions, random.beta(2, 5, size=2_000))
    rows = np.column_stack([clicks, sessions]).astype(np.float64)
    drawn = rows[random.integers(0, 2_000, size=(4_000, 2_000))].sum(axis=1)
    expected = np.var(drawn[:, 0] / drawn[:, 1], ddof=1)
    assert squared_error(rows) == pytest.approx(expected, rel=0.08)


def test_clusters_are_as_wide_as_cluster_robust_regression() -> None:
    size = random.integers(1, 20, size=300)
    cluster = np.repeat(np.arange(300), size)
    outcome = random.normal(size=300)[cluster] + random.normal(size=len(cluster))
    fit = sm.OLS(outcome, np.ones(len(cluster))).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    rows = np.column_stack([np.bincount(cluster, outcome), size])
    assert squared_error(rows) == pytest.approx(fit.bse[0] ** 2 * 300 / 299, rel=1e-6)


def test_a_ratio_over_ones_is_a_mean() -> None:
    values = random.normal(size=50)
    plain = mean_of(Moments.of(values[:, None]))
    over_ones = mean_of(ratios(Moments.of(np.column_stack([values, np.ones(50)])), [(0, 1)]))
    assert float(over_ones.value) == pytest.approx(float(plain.value))
    assert float(over_ones.variance) == pytest.approx(float(plain.variance))


def test_a_ratio_over_nothing_is_unknown() -> None:
    rows = np.column_stack([random.normal(size=10), np.zeros(10)])
    assert np.isnan(mean_of(ratios(Moments.of(rows), [(0, 1)])).value)


def test_a_ratio_that_is_the_same_for_everyone_has_no_error() -> None:
    orders = random.integers(1, 9, size=200).astype(np.float64)
    assert squared_error(np.column_stack([12.3 * orders, orders])) == 0
