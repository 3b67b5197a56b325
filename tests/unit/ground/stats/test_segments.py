"""Effects by segment, drawn towards each other."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Estimate, evened, separate, shrunk

random = np.random.default_rng(23)


def test_where_segments_do_not_differ_the_best_of_thirty_is_pulled_back() -> None:
    own = 1 + random.normal(size=30) * 0.5
    found = shrunk(own, np.full(30, 0.5))
    assert own.max() > 1.8
    assert found.effect.max() < 1.4
    assert found.p_value > 0.05


def test_where_segments_truly_differ_they_stay_apart() -> None:
    own = np.linspace(-5, 5, 20)
    found = shrunk(own, np.full(20, 0.1))
    np.testing.assert_allclose(found.effect, own, atol=0.05)
    assert found.p_value < 1e-9
    assert found.spread == pytest.approx(own.std(ddof=1), rel=0.15)


def test_the_test_of_any_spread_is_cochrans() -> None:
    own, errors = random.normal(size=8), random.uniform(0.5, 2, size=8)
    weight = errors**-2
    q = np.sum(weight * (own - np.average(own, weights=weight)) ** 2)
    assert shrunk(own, errors).p_value == pytest.approx(stats.chi2.sf(q, 7))


def test_scaling_units_scales_results() -> None:
    own, errors = random.normal(size=8), random.uniform(0.1, 0.5, size=8)
    plain, scaled = shrunk(own, errors), shrunk(own * 1e6, errors * 1e6)
    np.testing.assert_allclose(scaled.low, plain.low * 1e6, rtol=1e-6)


@pytest.mark.parametrize(
    ("own", "errors"),
    [([1, 2, 3], [1, 1, 1]), ([1, 2, 3, 4], [1, 1, 1, 0]), ([1, 2, 3, np.nan], [1] * 4)],
)
def test_too_little_is_refused(own: list[float], errors: list[float]) -> None:
    with pytest.raises(DataError, match="four segments"):
        shrunk(own, errors)


def test_a_few_keep_their_own_effects_under_wider_intervals() -> None:
    found = separate([1.0, 2.0, 4.0], [0.5, 0.5, 0.5])
    assert found.effect.tolist() == [1, 2, 4]
    half = 0.5 * stats.norm.isf(0.05 / 6)
    np.testing.assert_allclose(found.high - found.effect, half)


def test_the_spread_of_a_few_is_dersimonian_and_lairds() -> None:
    own, errors = np.array([0.1, 0.9, 0.5]), np.array([0.1, 0.2, 0.15])
    oracle = combine_effects(own, errors**2, method_re="dl")
    found = separate(own, errors)
    assert found.spread == pytest.approx(np.sqrt(oracle.tau2))
    assert found.overall == pytest.approx(oracle.mean_effect_fe)
    assert separate([1.0, 1.0], [0.1, 0.1]).spread == 0


def test_one_segment_is_refused() -> None:
    with pytest.raises(DataError, match="two segments"):
        separate([1.0], [0.1])


def arm(variances: list[float], units: list[float]) -> Estimate:
    """Values of zero, with such variances of one unit."""
    count = np.array(units)
    return Estimate(np.zeros(len(units)), np.array(variances) / count, count)


def test_an_arm_that_saw_nothing_of_it_by_chance_is_not_taken_for_sure() -> None:
    few, many = arm([0.0, 2.0, 1.0], [50, 50, 50]), arm([1.0, 1.0, 1.0], [450, 450, 450])
    control, treated = evened(few, many)
    np.testing.assert_allclose(control.variance * 50, [0.9, 1.1, 1.0])
    np.testing.assert_allclose(treated.variance * 450, [0.9, 1.1, 1.0])


def test_an_arm_that_varies_more_in_all_segments_keeps_doing_so() -> None:
    control, treated = evened(arm([1.0, 1.0], [90, 90]), arm([4.0, 4.0], [10, 10]))
    np.testing.assert_allclose(control.variance * 90, [1, 1])
    np.testing.assert_allclose(treated.variance * 10, [4, 4])


def test_where_nobody_differs_there_is_no_variance() -> None:
    control, treated = evened(arm([0.0], [9]), arm([0.0], [9]))
    assert not control.variance.any()
    assert not treated.variance.any()
