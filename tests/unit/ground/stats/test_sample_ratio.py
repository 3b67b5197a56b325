"""The sample ratio test, for one look and for many."""

import numpy as np
import pytest
from scipy import integrate, stats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import chi_square, sequential


def test_one_look_is_pearsons_chi_square() -> None:
    counts, shares = [4_900, 5_200, 9_800], [1, 1, 2]
    expected = np.array(shares) / 4 * sum(counts)
    assert float(chi_square(counts, shares)) == pytest.approx(
        stats.chisquare(counts, expected).pvalue
    )


def test_many_looks_are_a_bet_averaged_over_other_splits() -> None:
    """With two arms the e-value is the binomial likelihood ratio averaged over a beta prior."""
    counts = np.array([60, 90])

    def ratio(share: float) -> float:
        logs = 60 * np.log(share / 0.5) + 90 * np.log((1 - share) / 0.5)
        return float(np.exp(logs) * stats.beta.pdf(share, 500, 500))

    e_value, _ = integrate.quad(ratio, 0.3, 0.7, epsabs=1e-12)
    assert float(sequential(counts, [1, 1])) == pytest.approx(min(1, 1 / e_value), rel=1e-6)


def test_a_broken_split_is_found_by_both() -> None:
    counts = [50_000, 52_000]
    assert float(chi_square(counts, [1, 1])) < 1e-6
    assert float(sequential(counts, [1, 1])) < 1e-4


def test_no_people_are_no_evidence() -> None:
    assert float(chi_square([0, 0], [1, 1])) == 1
    assert float(sequential([0, 0], [1, 1])) == 1


@pytest.mark.parametrize("shares", [[1, 0], [1, -1], [1, float("nan")]])
def test_shares_are_above_zero(shares: list[float]) -> None:
    with pytest.raises(DataError, match="above 0"):
        chi_square([5, 5], shares)


def test_counts_are_not_negative() -> None:
    with pytest.raises(DataError, match="negative"):
        sequential([5, -1], [1, 1])


ROUNDS = np.array([[0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.0, 1.0, 0.0]])


def test_rounds_have_the_alarms_that_they_state() -> None:
    random = np.random.default_rng(11)
    seen = np.stack(
        [random.multinomial(n, p, 20_000) for n, p in zip((900, 300, 9), ROUNDS, strict=True)], 1
    )
    found = chi_square(seen, ROUNDS)
    assert found.shape == (20_000,)
    for alpha in (0.01, 0.1, 0.5):
        assert np.mean(found < alpha) == pytest.approx(alpha, abs=4 * np.sqrt(alpha / 20_000))
    assert np.mean(sequential(seen, ROUNDS) < 0.05) < 0.05


def test_rounds_of_equal_shares_are_one() -> None:
    counts, shares = np.array([4_900, 5_200, 9_800]), [1, 1, 2]
    parts = [counts // 2, counts - counts // 2]
    assert float(chi_square(parts, [shares, shares])) == pytest.approx(
        float(chi_square(counts, shares))
    )


def test_e_values_of_rounds_are_multiplied() -> None:
    parts = [[60, 90], [40, 80]]
    shares = [[0.5, 0.5], [0.4, 0.6]]
    product = np.prod([float(sequential(p, s)) for p, s in zip(parts, shares, strict=True)])
    assert float(sequential(parts, shares)) == pytest.approx(float(product))


def test_who_is_where_nobody_can_be_is_not_counted() -> None:
    with_strangers = [[450, 330, 320], [90, 120, 90], [3, 9, 2]]
    without = [[450, 330, 320], [90, 120, 90], [0, 9, 0]]
    for test in (chi_square, sequential):
        assert float(test(with_strangers, ROUNDS)) == float(test(without, ROUNDS)) > 0


def test_an_arm_that_is_expected_nowhere_is_refused() -> None:
    with pytest.raises(DataError, match="above 0"):
        chi_square([[5, 5], [5, 5]], [[1, 0], [1, 0]])
