"""Whether the hash deals as chance would: independently, in the right shares, whole clusters."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import combinations, product

import numpy as np
import polars as pl
import pytest
from scipy import stats

from courtesy.ground.primitives.ids import digest
from courtesy.ground.stats import ALARM, chi_square
from courtesy.stages.experiments import (
    Experiment,
    Layer,
    Ramp,
    Split,
    arms_of,
    assign,
    assign_many,
    expected_shares,
    is_held,
    split_of,
)

NOW = datetime(2026, 3, 4, tzinfo=UTC)
Record = Callable[[str, float], None]

IDS = {
    "digests": pl.Series([digest("user_id", str(number)) for number in range(20_000)]),
    "numbers": pl.Series([f"user-{number}" for number in range(20_000)]),
}


def even(name: str, layer: Layer | None = None) -> Split:
    return Split(name, {"a": 0.5, "b": 0.5}, name, layer=layer)


def uniform(p_values: Sequence[float]) -> float:
    """How well p-values fit those of chance (Kolmogorov & Smirnov)."""
    return float(stats.kstest(p_values, "uniform").pvalue)


def apart(one: pl.Series, other: pl.Series) -> float:
    """The p-value of two deals having nothing to do with each other."""
    table = pl.DataFrame({"one": one, "other": other}).drop_nulls().group_by(pl.all()).len()
    counts = table.pivot("other", index="one", values="len").drop("one").fill_null(0).to_numpy()
    return float(stats.chi2_contingency(counts, correction=False).pvalue)


def counted(arms: pl.Series) -> list[int]:
    """How many are in a and in b."""
    return [int((arms == arm).sum()) for arm in "ab"]


def far_off(runs: int, rate: float) -> float:
    """Three standard errors of a rate."""
    return float(3 * np.sqrt(rate * (1 - rate) / runs))


@pytest.mark.parametrize("kind", IDS)
def test_experiments_know_nothing_of_each_other(record: Record, kind: str) -> None:
    dealt = assign_many(IDS[kind], [even(f"test-{number}") for number in range(40)])
    found = [apart(one, other) for one, other in combinations(dealt.values(), 2)]
    low = float(np.mean(np.array(found) < 0.05))
    record(f"pairs of experiments that seem related at 5 %, {kind}", low)
    assert low == pytest.approx(0.05, abs=far_off(len(found), 0.05))
    assert uniform(found) > 0.001


def test_holdouts_and_layers_know_nothing_of_experiments(record: Record) -> None:
    units = IDS["digests"]
    tests = assign_many(units, [even(f"test-{number}") for number in range(20)])
    held = assign_many(
        units,
        [Split.holdout(name, 0.1) for name in ("universal", *map("programme-{}".format, range(9)))],
    )
    layers = [
        assign(units, even(f"in-{number}", Layer(f"test-{number}", 0, 0.5))).is_not_null()
        for number in range(20)
    ]
    found = [apart(*pair) for pair in product(tests.values(), [*held.values(), *layers])]
    found += [apart(*pair) for pair in combinations(held.values(), 2)]
    low = float(np.mean(np.array(found) < 0.05))
    record("pairs with a holdout or a layer that seem related at 5 %", low)
    assert low == pytest.approx(0.05, abs=far_off(len(found), 0.05))
    assert uniform(found) > 0.001


def test_within_a_part_of_a_layer_arms_are_still_even(record: Record) -> None:
    p_values = []
    for number in range(400):
        part = Layer("home", number % 10 / 10, number % 10 / 10 + 0.1)
        arms = assign(IDS["digests"], even(f"test-{number}", part)).drop_nulls()
        p_values.append(float(chi_square(counted(arms), [1, 1])))
    record("fit of the shares within a layer's part", uniform(p_values))
    assert uniform(p_values) > 0.001


@pytest.mark.parametrize("weights", [(1, 1), (1, 9), (1, 1, 1), (5, 3, 1, 1)])
def test_sample_ratio_alarms_are_as_rare_as_stated(
    record: Record, weights: tuple[int, ...]
) -> None:
    shares = {f"arm-{i}": weight / sum(weights) for i, weight in enumerate(weights)}
    units, runs = IDS["digests"][:4_000], 2_000
    p_values = []
    for number in range(runs):
        name = f"{weights}-{number}"
        arms = assign(units, Split(name, shares, name))
        counts = dict(arms.value_counts().rows())
        seen = [counts.get(arm, 0) for arm in shares]
        p_values.append(float(chi_square(seen, list(shares.values()))))
    found = float(np.mean(np.array(p_values) < ALARM))
    record(f"sample-ratio alarms, {':'.join(map(str, weights))}", found)
    assert found == pytest.approx(ALARM, abs=far_off(runs, ALARM))
    assert uniform(p_values) > 0.001


def test_little_traffic_has_the_shares_of_its_buckets_and_not_the_stated_ones(
    record: Record,
) -> None:
    """Three arms of a thousandth have four, three and three of the buckets."""
    units = pl.Series([f"user-{number}" for number in range(200_000)])
    seen = dict.fromkeys("abc", 0)
    for number in range(50):
        experiment = Experiment(
            f"test-{number}",
            None,
            None,
            dict.fromkeys("abc", 1 / 3),
            "a",
            traffic=(Ramp(None, 0.001),),
        )
        arms = assign(units, split_of(experiment, NOW)).drop_nulls()
        seen = {arm: seen[arm] + int((arms == arm).sum()) for arm in seen}
        expected = expected_shares(experiment)
    assert expected is not None
    fits = float(chi_square(list(seen.values()), [expected[arm] for arm in seen]))
    record("fit of little traffic to the shares of its buckets", fits)
    assert fits > 0.001
    assert chi_square(list(seen.values()), [1, 1, 1]) < 1e-6


def test_clusters_stay_together_and_are_what_is_counted(record: Record) -> None:
    random, runs = np.random.default_rng(7), 1_000
    sizes = random.geometric(0.3, 1_500)
    names = np.repeat([digest("household", str(number)) for number in range(len(sizes))], sizes)
    units = pl.DataFrame({"person_id": [f"p{i}" for i in range(len(names))], "unit": names})
    nobody = pl.DataFrame(schema={"person_id": pl.String, "arm": pl.String})
    alarms = np.zeros(2)
    for number in range(runs):
        experiment = Experiment(f"test-{number}", None, None, {"a": 0.5, "b": 0.5}, "a")
        dealt = arms_of(units, experiment, NOW, None, nobody).with_columns(units["unit"])
        clusters = dealt.unique(["unit", "arm"])
        assert len(clusters) == len(sizes)
        for index, dealt_to in enumerate((clusters, dealt)):
            alarms[index] += chi_square(counted(dealt_to["arm"]), [1, 1]) < ALARM
    by_cluster, by_person = alarms / runs
    record("sample-ratio alarms over clusters", by_cluster)
    record("sample-ratio alarms over their people", by_person)
    assert by_cluster == pytest.approx(ALARM, abs=far_off(runs, ALARM))
    assert by_person > 3 * ALARM


def test_a_holdout_holds_its_share(record: Record) -> None:
    shares = [0.01, 0.05, 0.1, 0.5]
    p_values = [
        float(chi_square([held, len(IDS["digests"]) - held], [share, 1 - share]))
        for share, number in product(shares, range(200))
        for held in [int(is_held(IDS["digests"], Split.holdout(f"j{number}-{share}", share)).sum())]
    ]
    record("fit of the shares of holdouts", uniform(p_values))
    assert uniform(p_values) > 0.001
