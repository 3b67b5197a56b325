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
    for arm in (False, True):
        parts = [Moments.of(outcome[(who == arm) & (stratum == s)][:, None]) for s in range(4)]
        stacked = (np.stack([getattr(p, n) for p in parts]) for n in ("count", "mean", "scatter"))
        found.append(Moments(*stacked))
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
