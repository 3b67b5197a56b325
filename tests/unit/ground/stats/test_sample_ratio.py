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
