"""Sufficient statistics: parts add up to the whole."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Moments

numbers = st.floats(-1e9, 1e9, allow_nan=False, width=64)
rows = st.lists(st.tuples(numbers, numbers), min_size=0, max_size=30)


def moments(values: list[tuple[float, float]]) -> Moments:
    return Moments.of(np.array(values, dtype=np.float64).reshape(-1, 2))


def alike(left: Moments, right: Moments, scale: float = 1e9) -> None:
    np.testing.assert_array_equal(left.count, right.count)
    np.testing.assert_allclose(left.mean, right.mean, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(left.scatter, right.scatter, rtol=1e-7, atol=1e-9 * scale**2)


@given(rows, rows)
def test_merged_statistics_are_the_statistics_of_the_merge(
    left: list[tuple[float, float]], right: list[tuple[float, float]]
) -> None:
    alike(moments(left) + moments(right), moments(left + right))


@given(rows, rows, rows)
def test_order_never_matters(
    a: list[tuple[float, float]], b: list[tuple[float, float]], c: list[tuple[float, float]]
) -> None:
    alike((moments(a) + moments(b)) + moments(c), moments(c) + (moments(b) + moments(a)))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30), st.floats(0.001, 1000))
def test_scaling_units_scales_results(values: list[tuple[float, float]], factor: float) -> None:
    scaled = moments([(x * factor, y * factor) for x, y in values])
    plain = moments(values)
    np.testing.assert_allclose(scaled.mean, plain.mean * factor, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(scaled.scatter, plain.scatter * factor**2, rtol=1e-6, atol=1e6)


def test_covariance_is_that_of_numpy() -> None:
    values = np.random.default_rng(1).normal(size=(500, 3))
    np.testing.assert_allclose(Moments.of(values).covariance, np.cov(values.T), rtol=1e-12)


def test_large_values_with_small_differences_keep_their_variance() -> None:
    values = 1e9 + np.random.default_rng(2).normal(size=(10_000, 1))
    halves = Moments.of(values[:3_000]) + Moments.of(values[3_000:])
    assert float(halves.covariance[0, 0]) == pytest.approx(np.var(values - 1e9, ddof=1), rel=1e-6)


def test_many_groups_at_once_are_the_groups_one_by_one() -> None:
    values = np.random.default_rng(3).normal(size=(4, 50, 2))
    together = Moments.of(values)
    for group in range(4):
        alike(together[group], Moments.of(values[group]), scale=1)
    alike(Moments.stacked([together[group] for group in range(4)]), together, scale=1)


def test_counts_of_yes_and_no_are_rows_of_ones_and_zeros() -> None:
    said = np.array([1.0] * 30 + [0.0] * 70)[:, None]
    alike(Moments.of_counts(100, 30), Moments.of(said), scale=1)


@pytest.mark.parametrize(("units", "successes"), [(10, -1), (-5, 0), (10, 11)])
def test_impossible_counts_are_refused(units: int, successes: int) -> None:
    with pytest.raises(DataError, match="between 0 and the units"):
        Moments.of_counts(units, successes)


def test_an_empty_group_adds_nothing() -> None:
    values: npt.NDArray[np.float64] = np.random.default_rng(4).normal(size=(20, 2))
    alike(Moments.of(np.empty((0, 2))) + Moments.of(values), Moments.of(values), scale=1)


def test_columns_are_taken_in_the_order_asked() -> None:
    values = np.random.default_rng(5).normal(size=(20, 3))
    alike(Moments.of(values).columns(2, 0), Moments.of(values[:, [2, 0]]), scale=1)
