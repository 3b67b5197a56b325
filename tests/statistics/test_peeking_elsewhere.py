"""Intervals for any number of looks beside estimators that are no plain means, and their limits.

Nothing differs between the arms here, so every interval that leaves out zero is a false alarm.
"""

from collections.abc import Callable
from itertools import accumulate
from operator import add

import numpy as np
import pytest

from courtesy.ground.stats import (
    AlwaysValid,
    Array,
    Estimate,
    Fixed,
    Moments,
    adjusted,
    compare,
    mean_of,
    post_stratified,
    ratios,
)

RUNS, LOOKS, BLOCK = 1_000, 50, 30
ALPHA = 0.05
Record = Callable[[str, float], None]
Rows = Callable[[np.random.Generator, tuple[int, ...]], Array]
Arms = Callable[[list[Moments]], list[Estimate]]


def rewards(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """What people spent and how often they bought: most of them nothing."""
    orders = random.poisson(0.4, shape).astype(np.float64)
    return np.stack([orders * random.lognormal(2, 1, shape), orders], axis=-1)


def households(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """What households of all sizes bought, and their size."""
    size = random.integers(1, 6, shape).astype(np.float64)
    return np.stack([size * random.lognormal(0, 1, shape), size], axis=-1)


def history(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """What people spent, and what they spent before."""
    taste = random.lognormal(0, 1, shape)
    return np.stack([taste * random.lognormal(0, 0.5, shape), taste], axis=-1)


def over(moments: list[Moments]) -> list[Estimate]:
    return [mean_of(ratios(one, [(0, 1)])) for one in moments]


def courses(random: np.random.Generator, rows: Rows) -> list[Moments]:
    """The moments of both arms at every look, ``(looks, runs)``."""
    arms = []
    for block in (BLOCK, 3 * BLOCK):
        parts = (Moments.of(rows(random, (RUNS, block))) for _ in range(LOOKS))
        arms.append(Moments.stacked(list(accumulate(parts, add))))
    return arms


@pytest.mark.parametrize(
    ("name", "rows", "estimates"),
    [("ratios", rewards, over), ("clusters", households, over), ("CUPED", history, adjusted)],
)
def test_peeking_raises_no_more_alarms_than_stated(
    record: Record, name: str, rows: Rows, estimates: Arms
) -> None:
    arms = estimates(courses(np.random.default_rng(5), rows))
    alarms = {}
    for rule in (AlwaysValid(ALPHA), Fixed(ALPHA)):
        found = compare(arms[0], arms[1], rule)
        alarms[rule.name] = float(np.mean(((found.low > 0) | (found.high < 0)).any(axis=0)))
        record(f"false alarms of {name} under {LOOKS} looks, {rule.name}", alarms[rule.name])
    assert alarms["always-valid"] <= ALPHA
    assert alarms["fixed"] > 2 * ALPHA


def test_peeking_at_strata_raises_no_more_alarms_than_stated(record: Record) -> None:
    random = np.random.default_rng(6)
    runs, looks, level = 150, 12, np.array([0.0, 1.0, 3.0])
    alarms = {"always-valid": 0, "fixed": 0}
    for _ in range(runs):
        arms = [
            list(accumulate((_strata(random, level) for _ in range(looks)), add)) for _ in range(2)
        ]
        pairs = [post_stratified(pair) for pair in zip(*arms, strict=True)]
        for rule in (AlwaysValid(ALPHA), Fixed(ALPHA)):
            shown = [compare(control, treated, rule) for control, treated in pairs]
            alarms[rule.name] += any(one.low > 0 or one.high < 0 for one in shown)
    for name, number in alarms.items():
        record(f"false alarms of strata under {looks} looks, {name}", number / runs)
    assert alarms["always-valid"] / runs <= ALPHA < alarms["fixed"] / runs


def _strata(random: np.random.Generator, level: Array) -> Moments:
    return Moments.of(level[:, None, None] + random.exponential(1, (len(level), 40, 1)))


@pytest.mark.parametrize(("clusters", "least"), [(10, 0.85), (30, 0.92)])
def test_few_clusters_of_all_sizes_promise_too_much_for_one_look(
    record: Record, clusters: int, least: float
) -> None:
    """The delta method is one for many: below 30 clusters a notice says so."""
    random = np.random.default_rng(7)
    arms = []
    for _ in range(2):
        size = random.geometric(0.1, (4 * RUNS, clusters)).astype(np.float64)
        total = size * random.normal(10, 1, size.shape) + np.sqrt(size) * random.normal(
            size=size.shape
        )
        arms.append(Moments.of(np.stack([total, size], axis=-1)))
    control, treated = over(arms)
    held = {}
    for rule in (Fixed(ALPHA), AlwaysValid(ALPHA)):
        found = compare(control, treated, rule)
        held[rule.name] = float(np.mean((found.low <= 0) & (found.high >= 0)))
    record(f"coverage of {clusters} clusters in each arm, one look", held["fixed"])
    assert least < held["fixed"] < 1 - ALPHA
    assert held["always-valid"] > 1 - ALPHA
