"""Effects on quantiles."""

import numpy as np
import pytest
from scipy import stats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import compare_quantile

random = np.random.default_rng(19)
CONTROL, TREATED = random.lognormal(1, 1, size=3_000), random.lognormal(1.3, 1, size=2_000)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
def test_the_interval_is_the_bootstraps(quantile: float) -> None:
    oracle = stats.bootstrap(
        (CONTROL, TREATED),
        lambda a, b, axis: np.quantile(b, quantile, axis) - np.quantile(a, quantile, axis),
        n_resamples=3_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = compare_quantile(CONTROL, TREATED, quantile, key=1)
    width = oracle.high - oracle.low
    assert found.low == pytest.approx(oracle.low, abs=width / 15)
    assert found.high == pytest.approx(oracle.high, abs=width / 15)


def test_the_effect_is_the_difference_of_quantiles() -> None:
    found = compare_quantile(CONTROL, TREATED, 0.5, key=1)
    assert found.effect == pytest.approx(float(np.median(TREATED) - np.median(CONTROL)))


def test_the_same_key_gives_the_same_interval() -> None:
    assert compare_quantile(CONTROL, TREATED, 0.5, key=4) == compare_quantile(
        CONTROL, TREATED, 0.5, key=4
    )


def test_what_is_no_quantile_is_refused() -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        compare_quantile(CONTROL, TREATED, 1.0, key=1)
    with pytest.raises(DataError, match="one outcome"):
        compare_quantile(CONTROL, TREATED[:0], 0.5, key=1)
