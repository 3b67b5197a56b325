"""Corrections for several comparisons, against statsmodels."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from courtesy.ground.stats import benjamini_hochberg, holm


@pytest.fixture(scope="module", autouse=True)
def _nothing_to_collect() -> Iterator[None]:
    """The oracle collects garbage at each call, which walks all that is loaded."""
    gc.freeze()
    yield
    gc.unfreeze()


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(p_values)
def test_both_are_those_of_statsmodels(given_values: list[float]) -> None:
    for ours, theirs in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        oracle = multipletests(given_values, method=theirs)[1]
        np.testing.assert_allclose(ours(given_values), oracle, atol=1e-300)


def test_what_is_unknown_does_not_count() -> None:
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    np.testing.assert_allclose(benjamini_hochberg([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
