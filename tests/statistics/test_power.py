"""Whether pilots find what they were planned to find, as often as planned."""

from collections.abc import Callable

import numpy as np
import pytest

from courtesy.ground.stats import (
    AlwaysValid,
    Fixed,
    Moments,
    Sizing,
    adjusted,
    compare,
    mean_of,
    people_needed,
    ratios,
)

POINTS = 0.02
Record = Callable[[str, float], None]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(99)


@pytest.mark.parametrize(("share", "chance"), [(0.5, 0.8), (0.9, 0.9)])
def test_shares(record: Record, random: np.random.Generator, share: float, chance: float) -> None:
    needed = people_needed(Sizing.of_shares(0.050, 0.056, share), Fixed(), chance)
    sizes = round(needed * (1 - share)), round(needed * share)
    arms = [
        mean_of(Moments.of_counts(np.full(20_000, float(size)), random.binomial(size, p, 20_000)))
        for size, p in zip(sizes, (0.050, 0.056), strict=True)
    ]
    found = float(np.mean(compare(arms[0], arms[1], Fixed()).p_value < 0.05))
    record(f"power of shares planned at {chance:.0%}, {share:.0%} treated", found)
    assert found == pytest.approx(chance, abs=POINTS)


def test_shares_at_any_look(record: Record, random: np.random.Generator) -> None:
    rule = AlwaysValid(tuned_for=40_000)
    needed = people_needed(Sizing.of_shares(0.050, 0.056), rule)
    half = round(needed / 2)
    arms = [
        mean_of(Moments.of_counts(np.full(20_000, float(half)), random.binomial(half, p, 20_000)))
        for p in (0.050, 0.056)
    ]
    found = float(np.mean(compare(arms[0], arms[1], rule).p_value < 0.05))
    record("power of always-valid shares planned at 80%, last look", found)
    assert found == pytest.approx(0.8, abs=POINTS)


def test_ratios(record: Record, random: np.random.Generator) -> None:
    def people(lift: float, shape: tuple[int, ...]) -> Moments:
        sessions = 1 + random.poisson(3, shape)
        clicks = random.binomial(sessions, random.beta(4, 16, shape)) + lift * sessions
        return ratios(Moments.of(np.stack([clicks, sessions], axis=-1)), [(0, 1)])

    needed = people_needed(Sizing.of_history(0.03, people(0, (100_000,))), Fixed())
    runs = [mean_of(people(lift, (4_000, round(needed / 2)))) for lift in (0.0, 0.03)]
    found = float(np.mean(compare(runs[0], runs[1], Fixed()).p_value < 0.05))
    record("power of a ratio metric planned at 80%", found)
    assert found == pytest.approx(0.8, abs=POINTS)


def test_covariates(record: Record, random: np.random.Generator) -> None:
    def people(shift: float, shape: tuple[int, ...]) -> Moments:
        before = random.gamma(2, 1, shape)
        after = before + random.normal(size=shape) + shift
        return Moments.of(np.stack([after, before], axis=-1))

    history = people(0, (100_000,))
    needed = people_needed(Sizing.of_history(0.2, history), Fixed())
    without = people_needed(Sizing.of_history(0.2, history.columns(0)), Fixed())
    control, treated = adjusted([people(s, (4_000, round(needed / 2))) for s in (0.0, 0.2)])
    found = float(np.mean(compare(control, treated, Fixed()).p_value < 0.05))
    record("power under CUPED planned at 80%", found)
    record("people saved by CUPED", 1 - needed / without)
    assert found == pytest.approx(0.8, abs=POINTS)
    assert needed < without / 2
