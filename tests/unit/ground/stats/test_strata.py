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
