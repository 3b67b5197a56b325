"""How often nothing is taken for something, at most as often as stated."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from courtesy.ground.stats import (
    ALARM,
    AlwaysValid,
    Array,
    Fixed,
    Moments,
    Rule,
    chi_square,
    compare,
    mean_of,
    sequential,
)

RUNS = 2_000
CHUNK = 20
Record = Callable[[str, float], None]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]


def conversions(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    """One person in a hundred converts."""
    return np.asarray(random.random(shape, dtype=np.float32) < 0.01, dtype=np.float64)


def revenue(random: np.random.Generator, shape: tuple[int, int]) -> Array:
    """One person in twenty buys, for a log-normal amount whose kurtosis is above 8,000."""
    amount = np.exp(2 + 1.5 * random.standard_normal(shape, dtype=np.float32))
    return np.where(random.random(shape, dtype=np.float32) < 0.05, amount, 0.0)


def running(values: Array, who: NDArray[np.bool_]) -> Moments:
    """The moments of an arm after each person, for each run."""
    count = np.cumsum(who, axis=1, dtype=np.float64)
    mean = np.cumsum(np.where(who, values, 0), axis=1) / np.maximum(count, 1)
    squares = np.cumsum(np.where(who, values**2, 0), axis=1)
    scatter = np.maximum(squares - count * mean**2, 0)
    return Moments(count, mean[..., None], scatter[..., None, None])


def alarmed(draw: Draw, people: int, share: float, rule: Rule, runs: int = RUNS) -> float:
    """The share of A/A tests that ever raise an alarm, looked at after every single person."""
    random = np.random.default_rng(20_260)
    alarms = 0
    for _ in range(runs // CHUNK):
        treated = random.random((CHUNK, people), dtype=np.float32) < share
        values = draw(random, (CHUNK, people))
        arms = mean_of(running(values, ~treated)), mean_of(running(values, treated))
        alarms += int((compare(*arms, rule).p_value < rule.alpha).any(axis=1).sum())
    return alarms / runs


@pytest.mark.parametrize(
    ("name", "draw", "people", "share"),
    [
        ("1 % conversion, even split", conversions, 12_000, 0.5),
        ("1 % conversion, 10 % holdout", conversions, 8_000, 0.9),
        ("heavy-tailed revenue, even split", revenue, 6_000, 0.5),
        ("heavy-tailed revenue, 10 % holdout", revenue, 6_000, 0.9),
    ],
)
def test_always_valid_survives_a_look_after_every_person(
    record: Record, name: str, draw: Draw, people: int, share: float
) -> None:
    found = alarmed(draw, people, share, AlwaysValid())
    record(f"always-valid false alarms, {name}", found)
    assert found <= 0.05


def test_one_look_rules_do_not_survive_it(record: Record) -> None:
    found = alarmed(conversions, 4_000, 0.5, Fixed(), runs=200)
    record("fixed false alarms under the same looking", found)
    assert found > 0.2


def test_sample_ratio_alarms_at_one_look_are_one_in_a_hundred(record: Record) -> None:
    random = np.random.default_rng(3)
    counts = random.multinomial(50_000, [0.2, 0.3, 0.5], size=50_000)
    found = float(np.mean(chi_square(counts, [2, 3, 5]) < ALARM))
    record("sample-ratio false alarms, one look", found)
    assert found == pytest.approx(ALARM, abs=3 * np.sqrt(ALARM / 50_000))


def test_sequential_sample_ratio_survives_a_look_after_every_person(record: Record) -> None:
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(RUNS // 100):
        first = np.cumsum(random.random((100, 10_000), dtype=np.float32) < 0.1, axis=1)
        both = np.stack([first, np.arange(1, 10_001) - first], axis=-1)
        alarms += int((sequential(both, [1, 9]) < ALARM).any(axis=1).sum())
    record("sample-ratio false alarms, every look", alarms / RUNS)
    assert alarms / RUNS <= ALARM
