"""Sufficient statistics in SQL: select them with one statement, read them as moments.

``covar_pop`` is computed by updating in both engines, so that large values lose nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from courtesy.ground.stats import Moments


def selected(name: str, columns: Sequence[str], when: str) -> list[str]:
    """The expressions of a SELECT that sums up ``columns`` over the rows where ``when`` holds.

    Args:
        name: tells these sums from others in the same statement.
        columns: SQL expressions of type DOUBLE, not null where ``when`` holds.
        when: a SQL condition.
    """
    kept = [f"CASE WHEN {when} THEN {column} END" for column in columns]
    found = [f"COUNT(CASE WHEN {when} THEN 1 END)", *(f"AVG({column})" for column in kept)]
    found += [f"COVAR_POP({kept[i]}, {kept[j]})" for i, j in _pairs(len(kept))]
    called = names(name, len(columns))
    return [f"{sums} AS {its}" for sums, its in zip(found, called, strict=True)]


def names(name: str, width: int) -> list[str]:
    """What ``selected`` calls the sums of ``width`` columns."""
    found = [f"{name}_count", *(f"{name}_mean_{i}" for i in range(width))]
    return found + [f"{name}_scatter_{i}_{j}" for i, j in _pairs(width)]


def read(row: Mapping[str, Any], name: str, width: int) -> Moments:
    """The moments of ``width`` columns in a row of what ``selected`` selects."""
    count = float(row[f"{name}_count"])
    mean = np.array([row[f"{name}_mean_{i}"] or 0.0 for i in range(width)])
    scatter = np.zeros((width, width))
    for i, j in _pairs(width):
        scatter[i, j] = scatter[j, i] = count * (row[f"{name}_scatter_{i}_{j}"] or 0.0)
    return Moments(np.asarray(count), mean, scatter)


def nothing(width: int) -> Moments:
    """The moments of nobody."""
    return Moments(np.zeros(()), np.zeros(width), np.zeros((width, width)))


def _pairs(width: int) -> Iterator[tuple[int, int]]:
    return combinations_with_replacement(range(width), 2)
