"""Post-stratification, against the regression with all interactions."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Array, Fixed, Moments, compare, post_stratified

random = np.random.default_rng(17)
STRATUM = random.integers(0, 4, size=3_000)
ARM = random.random(3_000) < 0.3
OUTCOME = STRATUM * 3 + ARM * (1 + STRATUM) + random.normal(size=3_000)


def arms(outcome: Array, stratum: NDArray[np.int64], who: NDArray[np.bool_]) -> list[Moments]:
    found = []
    rows = outcome if outcome.ndim > 1 else outcome[:, None]
    for arm in (False, True):
        parts = [Moments.of(rows[(who == arm) & (stratum == s)]) for s in range(4)]
        found.append(Moments.stacked(parts))
    return found


def test_the_effect_is_that_of_the_full_regression() -> None:
    """Centred dummies with all interactions give the same estimate (Lin 2013)."""
    dummies = np.column_stack([s == STRATUM for s in (1, 2, 3)]).astype(np.float64)
    centred = dummies - dummies.mean(axis=0)
    columns = np.column_stack([np.ones(3_000), ARM, centred, centred * ARM[:, None]])
    oracle = sm.OLS(OUTCOME, columns).fit(cov_type="HC2")
    control, treated = post_stratified(arms(OUTCOME, STRATUM, ARM))
    effect = compare(control, treated, Fixed())
    assert float(effect.effect) == pytest.approx(oracle.params[1], rel=1e-9)
    assert float(control.variance + treated.variance) == pytest.approx(oracle.bse[1] ** 2, rel=1e-6)


def test_strata_that_an_arm_lacks_are_taken_together() -> None:
    lonely = np.where(ARM & (STRATUM == 3), 2, STRATUM)
    control, treated = post_stratified(arms(OUTCOME, lonely, ARM))
    assert np.isfinite(treated.value - control.value)
    assert float(control.units + treated.units) == 3_000


def test_an_arm_of_one_is_refused() -> None:
    few = slice(0, 1)
    who = np.ones(1, dtype=np.bool_)
    with pytest.raises(DataError, match="two units"):
        post_stratified(arms(OUTCOME[few], STRATUM[few], who))


def test_covariates_have_one_slope_over_all_strata() -> None:
    """Centred dummies with all interactions, and the covariate without (its slope is pooled)."""
    before = random.normal(size=3_000) + STRATUM
    outcome = OUTCOME + 2 * before
    dummies = np.column_stack([s == STRATUM for s in (1, 2, 3)]).astype(np.float64)
    centred = dummies - dummies.mean(axis=0)
    columns = [np.ones(3_000), ARM, centred, centred * ARM[:, None], before - before.mean()]
    oracle = sm.OLS(outcome, np.column_stack(columns)).fit(cov_type="HC2")
    given = arms(np.column_stack([outcome, before]), STRATUM, ARM)
    control, treated = post_stratified(given, [(0, None), (1, None)])
    assert float(treated.value - control.value) == pytest.approx(oracle.params[1], rel=1e-9)
    assert float(control.variance + treated.variance) == pytest.approx(oracle.bse[1] ** 2, rel=1e-2)


def test_a_ratio_is_that_of_the_post_stratified_means() -> None:
    below = 1 + random.poisson(2 + STRATUM)
    rows = np.column_stack([OUTCOME * below, below])
    given = arms(rows, STRATUM, ARM)
    found = post_stratified(given, [(0, 1)])
    for estimate, arm in zip(found, given, strict=True):
        share = sum(part.count for part in given) / 3_000
        top, bottom = share @ arm.mean
        assert float(estimate.value) == pytest.approx(top / bottom, rel=1e-9)
        assert 0 < float(estimate.variance) < 0.1


def test_the_mix_of_strata_is_what_both_arms_share() -> None:
    """How much a mean would move with another draw of people from the same strata."""
    control, treated = post_stratified(arms(OUTCOME, STRATUM, ARM))
    means = np.array([OUTCOME[s == STRATUM].mean() for s in range(4)])
    expected = np.var(means[STRATUM]) / 3_000
    assert float(control.shared) == float(treated.shared) == pytest.approx(expected, rel=1e-9)


def test_degrees_of_freedom_are_those_of_the_strata() -> None:
    """Of equal variance and size: one less for each stratum (Cochran 1977, formula 5.16)."""
    stratum = np.repeat([0, 1, 2, 3], 10)
    who = np.tile([False, True], 20)
    control, treated = post_stratified(arms(np.tile([0.0, 0.0, 1.0, 1.0], 10), stratum, who))
    for arm in (control, treated):
        assert float(arm.freedom) == pytest.approx(20 - 4)


def test_the_size_of_strata_decides_which_are_joined_and_not_the_luck_of_the_arms() -> None:
    """One of four, two of each arm, stands with the smallest of the others."""
    stratum = np.repeat([0, 1, 2], [4, 40, 60])
    who = np.tile([False, True], 52)
    outcome = 10.0 * stratum + random.normal(size=104)
    found = post_stratified(arms(outcome, stratum, who))
    joined = post_stratified(arms(outcome, np.maximum(stratum, 1), who))
    for estimate, expected in zip(found, joined, strict=True):
        assert float(estimate.value) == pytest.approx(float(expected.value))
        assert float(estimate.freedom) == pytest.approx(float(expected.freedom))
