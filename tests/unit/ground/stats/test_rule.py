"""How far intervals reach."""

import numpy as np
import pytest
from scipy import integrate, stats

from courtesy.ground.stats import AlwaysValid, Estimate, Fixed, compare


def test_fixed_reaches_as_far_as_students_t() -> None:
    assert float(Fixed(0.1).reach(np.array(9.0), np.array(7.0))) == pytest.approx(
        1.894579, rel=1e-6
    )


def test_always_valid_is_the_normal_mixture_martingale() -> None:
    """The p-value's inverse is the likelihood ratio averaged over a normal mixture of effects."""
    rule = AlwaysValid(0.05, tuned_for=1_000)
    units, score = 400.0, 2.5
    doubt = -2 * np.log(0.05)
    spread = np.sqrt((doubt + np.log(doubt + 1)) / 1_000)

    def ratio(shift: float) -> float:
        total = score * np.sqrt(units)
        return float(
            np.exp(shift * total - units * shift**2 / 2) * stats.norm.pdf(shift, 0, spread)
        )

    average, _ = integrate.quad(ratio, -2, 2, points=[0.1])
    p_value = rule.p_value(np.array(score), np.array(units), np.array(1e9))
    assert float(p_value) == pytest.approx(1 / average, rel=1e-6)


def test_always_valid_is_narrowest_near_what_it_is_tuned_for() -> None:
    units = np.array([2_000.0])
    reach = {
        tuned: float(AlwaysValid(0.05, tuned).reach(units, units)[0])
        for tuned in (200.0, 2_000.0, 20_000.0)
    }
    assert min(reach, key=lambda tuned: reach[tuned]) == 2_000.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("alpha", [1e-300, 1e-6, 0.5, 0.8, 0.9, 0.99, 0.999999])
def test_always_valid_takes_any_alpha(alpha: float) -> None:
    units = np.geomspace(2, 1e9, 40)
    rule = AlwaysValid(alpha)
    reach = rule.reach(units, units)
    assert np.all(reach > 0)
    assert rule.p_value(reach, units, units) == pytest.approx(alpha, rel=1e-6)


def test_always_valid_is_published_at_its_time() -> None:
    """The boundary of theorem 2.2 with the mixture of appendix B.2, written out."""
    t, alpha = 10_000.0, 0.05
    rho = np.sqrt((-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / t)
    inside = 2 * (t * rho**2 + 1) / (t**2 * rho**2) * np.log(np.sqrt(t * rho**2 + 1) / alpha)
    reach = AlwaysValid(alpha, tuned_for=t).reach(np.array(t), np.array(t))
    assert float(reach) == pytest.approx(float(np.sqrt(t * inside)), rel=1e-12)


def test_always_valid_reaches_farther_than_one_look() -> None:
    units = np.geomspace(10, 1e7, 40)
    assert np.all(AlwaysValid().reach(units, units) > Fixed().reach(units, units))


def test_always_valid_claims_nothing_where_nothing_varies_within_the_arms() -> None:
    """Two values that differ by rounding would else differ beyond doubt."""
    units = np.array(1_000.0)
    arms = [Estimate(np.array(1e9 + rest), np.zeros(()), units) for rest in (0.0, 1e-6)]
    shown = compare(arms[0], arms[1], AlwaysValid())
    assert np.isnan(shown.low)
    assert np.isnan(shown.p_value)
