"""Holding back the largest values."""

import numpy as np
import pytest
from scipy.stats import mstats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import winsorised


def test_one_limit_holds_for_both_arms() -> None:
    control, treated = np.arange(100.0), np.arange(100.0) * 10
    (low, high), limit = winsorised([control, treated], 0.95)
    assert low.max() <= high.max() == limit
    assert limit == pytest.approx(np.quantile(np.concatenate([control, treated]), 0.95))


def test_it_is_that_of_scipy_where_the_limit_is_a_value() -> None:
    values = np.random.default_rng(1).permutation(np.arange(101.0))
    (found,), _ = winsorised([values], 0.9)
    np.testing.assert_allclose(found, mstats.winsorize(values, limits=(0, 0.1)))


@pytest.mark.parametrize("share", [0, -0.1, 1.01])
def test_a_share_out_of_bounds_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="share of values"):
        winsorised([np.arange(5.0)], share)


def test_nobody_is_refused() -> None:
    with pytest.raises(DataError, match="one outcome"):
        winsorised([np.empty(0)], 0.9)
