"""How often intervals hold the truth: as often as they say, within Monte Carlo error."""

from collections.abc import Callable

import numpy as np
import pytest

from courtesy.ground.stats import (
    AlwaysValid,
    Array,
    Effect,
    Fixed,
    Moments,
    adjusted,
    averaged,
    compare,
    compare_quantile,
    mean_of,
    per_reached,
    post_stratified,
    ratios,
    shrunk,
)

RUNS = 4_000
Record = Callable[[str, float], None]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(77)


def nominal(runs: int = RUNS) -> object:
    return pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / runs))


def held(truth: float, low: Array, high: Array) -> float:
    return float(np.mean((low <= truth) & (truth <= high)))


def effect(control: Array, treated: Array) -> Effect:
    arms = [mean_of(Moments.of(values[..., None])) for values in (control, treated)]
    return compare(arms[0], arms[1], Fixed())


def test_means_of_skewed_values(record: Record, random: np.random.Generator) -> None:
    control, treated = random.gamma(2, 5, (RUNS, 300)), random.gamma(2, 6, (RUNS, 500))
    found = effect(control, treated)
    difference, lift = held(2, found.low, found.high), held(0.2, found.lift_low, found.lift_high)
    record("coverage, difference of means", difference)
    record("coverage, lift of means (delta method)", lift)
    assert difference == nominal()
    assert lift == nominal()


def test_shares_of_one_percent(record: Record, random: np.random.Generator) -> None:
    counts = random.binomial(20_000, 0.010, RUNS), random.binomial(20_000, 0.012, RUNS)
    arms = [mean_of(Moments.of_counts(np.full(RUNS, 20_000.0), hits)) for hits in counts]
    found = compare(arms[0], arms[1], Fixed())
    difference, lift = (
        held(0.002, found.low, found.high),
        held(0.2, found.lift_low, found.lift_high),
    )
    record("coverage, difference of shares", difference)
    record("coverage, lift of shares", lift)
    assert difference == nominal()
    assert lift == nominal()


def test_lift_beside_a_weak_control(record: Record, random: np.random.Generator) -> None:
    control, treated = random.normal(1, 5, (RUNS, 400)), random.normal(1.5, 5, (RUNS, 400))
    found = effect(control, treated)
    bounded = ~np.isnan(found.lift_low)
    lift = np.where(bounded, (found.lift_low <= 0.5) & (found.lift_high >= 0.5), True)  # noqa: FBT003 - without bounds it holds everything
    record("coverage, lift by Fieller's theorem", float(lift.mean()))
    assert 0.95 - 0.0104 <= float(lift.mean()) <= 0.98


def test_ratios_of_sums(record: Record, random: np.random.Generator) -> None:
    arms = []
    for rate in (0.20, 0.22):
        sessions = 1 + random.poisson(3, (RUNS, 500))
        person = random.beta(4, 4 / rate - 4, (RUNS, 500))
        rows = np.stack([random.binomial(sessions, person), sessions], axis=-1)
        arms.append(mean_of(ratios(Moments.of(rows), [(0, 1)])))
    found = compare(arms[0], arms[1], Fixed())
    record("coverage, ratio metric (delta method)", held(0.02, found.low, found.high))
    assert held(0.02, found.low, found.high) == nominal()


def test_clusters(record: Record, random: np.random.Generator) -> None:
    arms = []
    for shift in (0.0, 0.3):
        size = random.integers(1, 9, (RUNS, 200))
        common = random.normal(size=(RUNS, 200)) + shift
        total = size * common + np.sqrt(size) * random.normal(size=(RUNS, 200))
        arms.append(mean_of(ratios(Moments.of(np.stack([total, size], axis=-1)), [(0, 1)])))
    found = compare(arms[0], arms[1], Fixed())
    record("coverage, clusters", held(0.3, found.low, found.high))
    assert held(0.3, found.low, found.high) == nominal()


def test_covariates(record: Record, random: np.random.Generator) -> None:
    arms = []
    for shift in (5.0, 5.2):
        before = random.normal(size=(RUNS, 300, 2))
        after = shift + before @ np.array([1.0, 0.5]) + random.normal(size=(RUNS, 300))
        arms.append(Moments.of(np.concatenate([after[..., None], before], axis=-1)))
    control, treated = adjusted(arms)
    found = compare(control, treated, Fixed())
    difference, lift = held(0.2, found.low, found.high), held(0.04, found.lift_low, found.lift_high)
    record("coverage, CUPED", difference)
    record("coverage, lift under CUPED", lift)
    assert difference == nominal()
    assert lift == nominal()


@pytest.mark.parametrize(("units", "covariates"), [(10, 5), (20, 15), (50, 30)])
def test_many_covariates_beside_few_units(
    record: Record, random: np.random.Generator, units: int, covariates: int
) -> None:
    """Slopes that fit a few units closely must not make them look certain."""
    arms = []
    for _ in range(2):
        before = random.normal(size=(RUNS, units, covariates))
        after = before.sum(axis=-1, keepdims=True) + random.normal(size=(RUNS, units, 1))
        arms.append(Moments.of(np.concatenate([after, before], axis=-1)))
    control, treated = adjusted(arms)
    found = compare(control, treated, Fixed())
    figure = held(0, found.low, found.high)
    record(f"coverage, {covariates} covariates beside {units} units an arm", figure)
    assert figure == nominal()


def test_strata(record: Record, random: np.random.Generator) -> None:
    runs, hits = 4_000, 0
    for _ in range(runs):
        stratum, who = random.integers(0, 3, 600), random.random(600) < 0.5
        outcome = stratum * 2.0 + 0.5 * who + random.normal(size=600)
        arms = []
        for arm in (False, True):
            parts = [Moments.of(outcome[(who == arm) & (stratum == s)][:, None]) for s in range(3)]
            arms.append(Moments.stacked(parts))
        control, treated = post_stratified(arms)
        found = compare(control, treated, Fixed())
        hits += bool(found.low <= 0.5 <= found.high)
    record("coverage, post-stratification", hits / runs)
    assert hits / runs == nominal(runs)


@pytest.mark.parametrize(("units", "covariates"), [(10, 10), (20, 5)])
def test_on_those_reached_with_many_covariates(
    record: Record, random: np.random.Generator, units: int, covariates: int
) -> None:
    arms = []
    for arm in range(2):
        before = random.normal(size=(RUNS, units, covariates))
        reached = arm * (random.random((RUNS, units)) < 0.9)
        after = reached + before.sum(axis=-1) + random.normal(size=(RUNS, units))
        columns = [after[..., None], reached[..., None], before]
        arms.append(Moments.of(np.concatenate(columns, axis=-1)))
    found = per_reached(arms[0], arms[1], Fixed())
    figure = float(np.mean(~((found.low > 1) | (found.high < 1))))
    record(f"coverage, reached, {covariates} covariates beside {units} units an arm", figure)
    assert figure == nominal()


@pytest.mark.parametrize(
    ("units", "strata", "covariates"), [(20, 4, 0), (20, 4, 5), (100, 25, 0), (100, 50, 1)]
)
def test_small_strata(
    record: Record, random: np.random.Generator, units: int, strata: int, covariates: int
) -> None:
    """Of two units an arm, say: their variances rest on one degree of freedom each."""
    runs, hits = 2_000, 0
    for _ in range(runs):
        stratum = random.integers(0, strata, 2 * units)
        who = random.permutation(np.repeat([False, True], units))
        before = random.normal(size=(2 * units, covariates))
        outcome = stratum % 4 * 2.0 + before.sum(axis=1) + random.normal(size=2 * units)
        rows = np.column_stack([outcome, before])
        arms = [
            Moments.stacked(
                [Moments.of(rows[(who == arm) & (stratum == s)]) for s in range(strata)]
            )
            for arm in (False, True)
        ]
        control, treated = post_stratified(arms, [(i, None) for i in range(covariates + 1)])
        found = compare(control, treated, Fixed())
        hits += bool(found.low <= 0 <= found.high)
    shown = f"coverage, {strata} strata and {covariates} covariates beside {units} units an arm"
    record(shown, hits / runs)
    assert hits / runs == nominal(runs)


def test_lift_under_strata_and_covariates(record: Record, random: np.random.Generator) -> None:
    """What covariates and strata explain moves both arms at once, and so the lift."""
    runs, hits = 2_000, 0
    for _ in range(runs):
        stratum, before = random.integers(0, 3, 400), random.normal(size=400)
        who = random.permutation(np.repeat([False, True], 200))
        outcome = 10 + 8 * before + stratum + 11 * who + random.normal(size=400) / 2
        rows = np.column_stack([outcome, before])
        arms = [
            Moments.stacked([Moments.of(rows[(who == arm) & (stratum == s)]) for s in range(3)])
            for arm in (False, True)
        ]
        control, treated = post_stratified(arms, [(0, None), (1, None)])
        found = compare(control, treated, Fixed())
        hits += bool(found.lift_low <= 1 <= found.lift_high)
    record("coverage, lift under post-stratification and CUPED", hits / runs)
    assert hits / runs == nominal(runs)


def test_factors_with_small_arms(record: Record, random: np.random.Generator) -> None:
    """An arm of three that varies most says little of its variance, and so of the average's."""
    sizes, spread = (4, 30, 30, 30), (3, 1, 1, 1)
    values = [s * random.normal(size=(RUNS, n, 1)) for n, s in zip(sizes, spread, strict=True)]
    arms = [mean_of(Moments.of(each)) for each in values]
    found = compare(averaged(arms[:2]), averaged(arms[2:]), Fixed())
    figure = held(0, found.low, found.high)
    record("coverage, a factor's effect with a small arm", figure)
    assert figure == nominal()


def test_medians(record: Record, random: np.random.Generator) -> None:
    runs, truth = 500, float(np.exp(1.2) - np.exp(1.0))
    hits = 0
    for _ in range(runs):
        control, treated = random.lognormal(1, 1, 400), random.lognormal(1.2, 1, 400)
        found = compare_quantile(control, treated, 0.5, Fixed())
        hits += found.low <= truth <= found.high
    record("coverage, difference of medians (empirical likelihood)", hits / runs)
    assert hits / runs == nominal(runs)


def test_segments_on_average(record: Record, random: np.random.Generator) -> None:
    runs, hits = 1_000, 0.0
    for _ in range(runs):
        truth = 1 + 0.5 * random.normal(size=30)
        error = random.uniform(0.3, 1.0, 30)
        found = shrunk(truth + error * random.normal(size=30), error)
        hits += float(np.mean((found.low <= truth) & (truth <= found.high)))
    record("coverage, shrunken segments", hits / runs)
    assert 0.94 <= hits / runs <= 0.98


def test_the_best_segment_is_not_flattered(record: Record, random: np.random.Generator) -> None:
    """The winner's own effect is too high by far; of that, shrinking leaves a fifth at most."""
    runs, raw, drawn = 1_000, 0.0, 0.0
    for _ in range(runs):
        truth = 1 + 0.5 * random.normal(size=30)
        own = truth + random.normal(size=30)
        best = int(np.argmax(own))
        raw += float(own[best] - truth[best]) / runs
        drawn += float(shrunk(own, np.ones(30)).effect[best] - truth[best]) / runs
    record("flattery of the best of thirty, as measured", raw)
    record("flattery of the best of thirty, shrunken", drawn)
    assert raw > 1.0
    assert abs(drawn) < raw / 5


def test_always_valid_intervals_hold_at_every_look(
    record: Record, random: np.random.Generator
) -> None:
    runs, people, misses = 1_000, 8_000, 0
    looks = np.arange(1.0, people / 2 + 1)
    for _ in range(runs // 20):
        arms = []
        for mean in (10.0, 10.5):
            values = random.exponential(mean, (20, people // 2))
            average = np.cumsum(values, axis=1) / looks
            scatter = np.maximum(np.cumsum(values**2, axis=1) - looks * average**2, 0)
            count = np.broadcast_to(looks, average.shape)
            arms.append(mean_of(Moments(count, average[..., None], scatter[..., None, None])))
        found = compare(arms[0], arms[1], AlwaysValid())
        misses += int(((found.low > 0.5) | (found.high < 0.5)).any(axis=1).sum())
    record("coverage, always-valid at every look", 1 - misses / runs)
    assert 1 - misses / runs >= 0.95
