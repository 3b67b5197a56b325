"""What an effect on some is for everybody, against a regression on everybody."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from courtesy.ground.stats import Array, Estimate, Fixed, Moments, compare, diluted, mean_of

random = np.random.default_rng(43)
UNITS = 40_000
ARM = random.random(UNITS) < 0.5
CAME = random.random(UNITS) < 0.3
OUTCOME = 5 + 2 * ARM + 3 * random.normal(size=UNITS)


def arms(values: Array) -> tuple[Estimate, Estimate]:
    came, there = values[CAME & ~ARM], values[CAME & ARM]
    return mean_of(Moments.of(came[:, None])), mean_of(Moments.of(there[:, None]))


def test_it_is_the_regression_on_everybody_with_zeros_for_those_who_did_not_come() -> None:
    """Given the same share in both arms, by the regression's second column (Lin 2013)."""
    came = CAME - CAME.mean()
    columns = np.column_stack([np.ones(UNITS), ARM, came, came * ARM])
    oracle = sm.OLS(np.where(CAME, OUTCOME, 0), columns).fit(cov_type="HC2")
    share = np.asarray(CAME.mean())
    found = diluted(*arms(OUTCOME), share, np.asarray(UNITS), Fixed())
    low, high = oracle.conf_int()[1]
    assert float(found.effect) == pytest.approx(oracle.params[1], rel=1e-9)
    known = float(found.effect) ** 2 * (1 - float(share)) / float(share) / UNITS
    error = np.sqrt(oracle.bse[1] ** 2 + known)
    assert float(found.high - found.low) / 2 == pytest.approx(
        stats.norm.isf(0.025) * error, rel=2e-3
    )
    assert float(found.high - found.low) >= high - low


def test_where_everybody_came_it_is_the_effect_itself() -> None:
    control, treated = arms(OUTCOME)
    found = diluted(control, treated, np.ones(()), np.asarray(UNITS), Fixed())
    effect = compare(control, treated, Fixed())
    assert float(found.low) == pytest.approx(float(effect.low), rel=1e-12)
    assert float(found.high) == pytest.approx(float(effect.high), rel=1e-12)


def test_a_share_counted_on_few_makes_the_interval_wider() -> None:
    few, many = (
        diluted(*arms(OUTCOME), np.asarray(0.3), np.asarray(n), Fixed()) for n in (100, 10_000)
    )
    assert float(few.high - few.low) > 1.5 * float(many.high - many.low)
