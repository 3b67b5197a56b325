"""Arms of a factorial design taken together, against the regression with interactions."""

import numpy as np
import pytest
import statsmodels.api as sm

from courtesy.ground.stats import Estimate, Fixed, Moments, averaged, compare, mean_of

random = np.random.default_rng(47)
UNITS = 6_000
FIRST = random.random(UNITS) < 0.3
SECOND = random.random(UNITS) < 0.6
OUTCOME = 1 + FIRST + 0.5 * SECOND + 0.7 * FIRST * SECOND + random.normal(size=UNITS) * (1 + SECOND)


def cell(first: int, second: int) -> Estimate:
    return mean_of(Moments.of(OUTCOME[(first == FIRST) & (second == SECOND)][:, None]))


def regression() -> tuple[list[float], list[float]]:
    """Both factors coded -1/2 and +1/2, so that each slope averages over the other."""
    one, other = FIRST - 0.5, SECOND - 0.5
    found = sm.OLS(OUTCOME, np.column_stack([np.ones(UNITS), one, other, one * other]))
    fitted = found.fit(cov_type="HC2")
    return list(fitted.params), list(fitted.bse)


def test_a_main_effect_is_that_of_the_regression() -> None:
    value, error = regression()
    without, with_it = (averaged([cell(level, 0), cell(level, 1)]) for level in (0, 1))
    assert float(with_it.value - without.value) == pytest.approx(value[1], rel=1e-9)
    assert float(with_it.variance + without.variance) == pytest.approx(error[1] ** 2, rel=1e-6)


def test_an_interaction_is_that_of_the_regression() -> None:
    value, error = regression()
    straight = averaged([cell(0, 0), cell(1, 1)], weight=2)
    crossed = averaged([cell(0, 1), cell(1, 0)], weight=2)
    assert float(straight.value - crossed.value) == pytest.approx(value[3], rel=1e-9)
    assert float(straight.variance + crossed.variance) == pytest.approx(error[3] ** 2, rel=1e-6)


def test_arms_of_one_size_count_together_and_a_small_one_holds_them_back() -> None:
    even = [Estimate(np.ones(()), np.ones(()), np.asarray(n)) for n in (100.0, 100.0)]
    uneven = [Estimate(np.ones(()), np.ones(()), np.asarray(n)) for n in (190.0, 10.0)]
    assert float(averaged(even).units) == pytest.approx(200)
    assert float(averaged(uneven).units) == pytest.approx(4 / (1 / 190 + 1 / 10))


def test_an_arm_without_people_leaves_nothing() -> None:
    nobody = mean_of(Moments.of(np.empty((0, 1))))
    shown = compare(cell(0, 0), averaged([cell(1, 0), nobody]), Fixed())
    assert np.isnan(shown.effect)


def test_degrees_of_freedom_are_those_of_the_arms_variances() -> None:
    """An arm of three that varies most leaves about its two (Satterthwaite 1946)."""
    small, large = (mean_of(Moments.of(random.normal(size=(n, 1)))) for n in (3, 1_000))
    alone, together = float(small.freedom), float(averaged([small, large]).freedom)
    assert alone == 2
    assert 2 <= together < 2.1


def test_an_arm_of_one_makes_the_average_uncertain() -> None:
    """Its variance is not known, which is no variance of zero."""
    one = mean_of(Moments.of(np.ones((1, 1))))
    found = compare(averaged([one, cell(0, 1)]), averaged([cell(1, 0), cell(1, 1)]), Fixed())
    assert np.isfinite(found.effect)
    assert np.isnan([found.low, found.high, found.p_value]).all()
