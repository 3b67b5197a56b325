"""Regression adjustment, against ordinary least squares."""

import numpy as np
import pytest
import statsmodels.api as sm

from courtesy.ground.stats import Array, Effect, Fixed, Moments, adjusted, compare, mean_of

random = np.random.default_rng(11)
UNITS = 3_000
COVARIATES = random.normal(size=(UNITS, 2)) * [1, 50] + [0, 1e6]
ARM = random.random(UNITS) < 0.4
OUTCOME = 3 + 2 * COVARIATES[:, 0] + 0.05 * COVARIATES[:, 1] + 0.3 * ARM + random.normal(size=UNITS)


def effect_of(covariates: Array) -> Effect:
    rows = np.column_stack([OUTCOME, covariates])
    arms = adjusted([Moments.of(rows[~ARM]), Moments.of(rows[ARM])])
    return compare(arms[0], arms[1], Fixed())


def test_the_effect_is_that_of_least_squares() -> None:
    columns = np.column_stack([np.ones(UNITS), ARM, COVARIATES - COVARIATES.mean(axis=0)])
    oracle = sm.OLS(OUTCOME, columns).fit()
    effect = effect_of(COVARIATES)
    assert float(effect.effect) == pytest.approx(oracle.params[1], rel=1e-8)
    half = (float(effect.high) - float(effect.low)) / 2
    assert half == pytest.approx(1.96 * oracle.get_robustcov_results("HC2").bse[1], rel=5e-3)


def test_a_covariate_takes_out_what_it_explains() -> None:
    plain = compare(
        mean_of(Moments.of(OUTCOME[~ARM][:, None])),
        mean_of(Moments.of(OUTCOME[ARM][:, None])),
        Fixed(),
    )
    effect = effect_of(COVARIATES)
    explained = 1 - 1 / (1 + 4 + 2.5**2)
    shrunk = (float(effect.high) - float(effect.low)) ** 2
    shrunk /= (float(plain.high) - float(plain.low)) ** 2
    assert shrunk == pytest.approx(1 - explained, rel=0.05)


def test_constant_and_repeated_covariates_change_nothing() -> None:
    useless = np.column_stack([COVARIATES, np.full(UNITS, 3.0), COVARIATES[:, 0] * 2 - 5])
    with_them, without = effect_of(useless), effect_of(COVARIATES)
    assert float(with_them.effect) == pytest.approx(float(without.effect), rel=1e-6)
    assert float(with_them.low) == pytest.approx(float(without.low), rel=1e-6)


def test_units_of_covariates_do_not_matter() -> None:
    scaled, plain = effect_of(COVARIATES * [1e6, 1e-6]), effect_of(COVARIATES)
    assert float(scaled.effect) == pytest.approx(float(plain.effect), rel=1e-6)


def test_many_experiments_at_once_are_each_alone() -> None:
    rows = random.normal(size=(5, 2, 100, 3))
    together = adjusted([Moments.of(rows[:, 0]), Moments.of(rows[:, 1])])
    for number in range(5):
        alone = adjusted([Moments.of(rows[number, 0]), Moments.of(rows[number, 1])])
        assert float(together[1].value[number]) == pytest.approx(float(alone[1].value))
        assert float(together[1].variance[number]) == pytest.approx(float(alone[1].variance))


def test_an_arm_that_is_unknown_leaves_the_others_as_they_are() -> None:
    rows = np.column_stack([OUTCOME, COVARIATES])
    arms = [Moments.of(rows[~ARM]), Moments.of(rows[ARM])]
    unknown = Moments(arms[0].count, arms[0].mean * np.nan, arms[0].scatter * np.nan)
    alone, beside = adjusted(arms), adjusted([*arms, unknown])
    assert np.isnan(beside[2].value)
    for one, other in zip(alone, beside[:2], strict=True):
        assert float(one.value) == float(other.value)
        assert float(one.variance) == float(other.variance)
        assert float(one.shared) == float(other.shared)


def test_more_covariates_than_units_change_nothing() -> None:
    rows = random.normal(size=(2, 4, 8))
    arms = [Moments.of(rows[0]), Moments.of(rows[1])]
    plain = [mean_of(arm.columns(0)) for arm in arms]
    for one, other in zip(adjusted(arms), plain, strict=True):
        assert float(one.value) == pytest.approx(float(other.value))
        assert float(one.variance) == pytest.approx(float(other.variance))
        assert float(one.spent) == 0


def test_a_covariate_that_says_nothing_costs_its_degree_of_freedom() -> None:
    """On average: the variance is that of the least squares with the covariate in it."""
    ours, oracle = [], []
    treated = np.repeat([0.0, 1.0], 6)
    for _ in range(400):
        before, after = random.normal(size=(2, 12))
        arms = [Moments.of(np.column_stack([after, before])[treated == arm]) for arm in (0.0, 1.0)]
        ours.append(sum(float(arm.variance) for arm in adjusted(arms)))
        fit = sm.OLS(after, np.column_stack([np.ones(12), treated, before])).fit()
        oracle.append(fit.bse[1] ** 2)
    assert np.mean(ours) == pytest.approx(np.mean(oracle), rel=0.02)
