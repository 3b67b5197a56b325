"""Buckets, ranges and choices, against GrowthBook's published cases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.bucketing import Units, buckets, choose, ranges

_HASH_VERSION = 2
TEXT = st.text(alphabet=st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def cases(protocols: Callable[[str], Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(protocols("vectors/growthbook_bucketing.json").read_text())
    return found


def _fnv1a(text: str) -> int:
    state = 2166136261
    for byte in text.encode():
        state = (state ^ byte) * 16777619 % 2**32
    return state


def _bucket(seed: str, value: str) -> float:
    return _fnv1a(str(_fnv1a(seed + value))) % 10_000 / 10_000


def test_buckets_are_growthbooks(cases: dict[str, Any]) -> None:
    known = [case for case in cases["hash"] if case[2] == _HASH_VERSION]
    assert len(known) > 5
    for seed, value, _version, bucket in known:
        assert buckets(seed, [value]).tolist() == [bucket]


def test_ranges_are_growthbooks(cases: dict[str, Any]) -> None:
    assert cases["getBucketRange"]
    for name, (arms, coverage, weights), expected in cases["getBucketRange"]:
        assert np.allclose(ranges(arms, coverage, weights), expected, atol=1e-9), name


def test_choices_are_growthbooks(cases: dict[str, Any]) -> None:
    assert cases["chooseVariation"]
    for name, bucket, arms, expected in cases["chooseVariation"]:
        assert choose(np.array([bucket]), arms).tolist() == [expected], name


@given(TEXT, st.lists(TEXT))
def test_columns_give_what_one_value_at_a_time_gives(seed: str, values: list[str]) -> None:
    expected = [_bucket(seed, value) for value in values]
    assert Units(values).buckets(seed).tolist() == expected
    assert buckets(seed, pl.Series(values, dtype=pl.String)).tolist() == expected


def test_many_values_of_many_lengths_cross_the_chunks_unharmed() -> None:
    values = [str(number**3) for number in range(20_000)]
    found = Units(values).buckets("seed")
    assert found.tolist() == [_bucket("seed", value) for value in values]


def test_hashes_of_few_digits_are_right_too() -> None:
    few = [text for text in map(str, range(400_000)) if _fnv1a(text) < 10_000]
    assert few
    assert buckets("", few).tolist() == [_bucket("", text) for text in few]


def test_a_slice_of_a_column_has_its_own_values() -> None:
    column = pl.Series(["x", "yy", "", "zzz"])
    assert buckets("s", column[1:]).tolist() == [_bucket("s", text) for text in ["yy", "", "zzz"]]


def test_seeds_split_independently() -> None:
    units = Units([f"person-{number}" for number in range(20_000)])
    table, _, _ = np.histogram2d(units.buckets("one"), units.buckets("two"), bins=4)
    expected = 20_000 / 16
    assert ((table - expected) ** 2 / expected).sum() < 37.7  # chi-squared, 15 degrees, p = 0.001


@given(st.integers(1, 8), st.floats(0, 1), st.floats(0, 1))
def test_raising_coverage_moves_nobody_to_another_arm(arms: int, one: float, two: float) -> None:
    low, high = sorted((one, two))
    grid = np.arange(0, 1, 0.01)
    before, after = choose(grid, ranges(arms, low)), choose(grid, ranges(arms, high))
    assert (after[before >= 0] == before[before >= 0]).all()
