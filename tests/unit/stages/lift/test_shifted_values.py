"""Values far from zero lose nothing: a shift of a billion leaves every figure as it was."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.stats import Fixed
from courtesy.stages.events.model import EVENTS
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.lift import (
    COUNT,
    DAY,
    SUM,
    Comparison,
    Metric,
    Plan,
    Ratio,
    design_of,
    looks,
    measure,
    spreads,
    stratified,
    tallies,
)
from courtesy.stages.lift.estimates import told

START = datetime(2026, 3, 1, tzinfo=UTC)
ONE = timedelta(days=1)
NOW = START + 20 * ONE
SHIFT = 1e9
SPENT = Metric("spent", SUM, ("Order",), property="total", within=7 * ONE)
FAR = replace(SPENT, name="far", property="far")
ORDERS = Metric("orders", COUNT, ("Order",), within=7 * ONE)
BASKETS = [Ratio("basket", SPENT, ORDERS), Ratio("far basket", FAR, ORDERS)]
HELD = [replace(SPENT, winsorise=0.9), replace(FAR, winsorise=0.9)]
MEANS = Plan("e", "a", [SPENT, FAR])
RATIOS = Plan("e", "a", BASKETS, rule=Fixed())
WAYS: Mapping[str, Plan] = {
    "means": MEANS,
    "ratios": RATIOS,
    "means, CUPED": replace(MEANS, history=7 * ONE),
    "ratios, CUPED": replace(RATIOS, history=7 * ONE),
    "means, clusters": replace(MEANS, clustered=True),
    "ratios, clusters": replace(RATIOS, clustered=True),
    "means, CUPED, clusters": replace(MEANS, clustered=True, history=7 * ONE),
    "ratios, CUPED, clusters": replace(RATIOS, clustered=True, history=7 * ONE),
    "means, winsorised": replace(MEANS, metrics=HELD, clustered=True),
}


class World:
    """People in households of unlike sizes, who ordered before and after they were exposed.

    Every order has a ``total``, and a billion more under ``far``. Where a mean is asked for,
    everybody orders ``once``, so that it too is a billion more.
    """

    def __init__(self, seed: int, *, once: bool = True, homes: int = 60) -> None:
        random = np.random.default_rng(seed)
        self.units = np.repeat(np.arange(homes), random.integers(1, 5, size=homes))
        self.number = len(self.units)
        self.days = random.integers(0, 5, size=self.number)
        liking = random.normal(20, 5, size=homes)[self.units]
        self.orders: list[tuple[int, datetime, float]] = []
        for person in range(self.number):
            exposed = START + int(self.days[person]) * ONE
            later = 1 if once else int(random.integers(1, 4))
            for moment in [exposed - ONE, *[exposed + ONE] * later]:
                total = round(float(random.normal(liking[person], 3)), 3)
                self.orders.append((person, moment, total))

    def exposures(self) -> pl.DataFrame:
        rows = {
            "person_id": [f"p{n}" for n in range(self.number)],
            "arm": np.where(self.units % 3 == 0, "a", "b"),
            "exposed_at": [START + int(day) * ONE for day in self.days],
            "unit": [f"home {unit}" for unit in self.units],
        }
        found = pl.DataFrame(rows).with_columns(experiment=pl.lit("e"), entry=pl.lit("{}"))
        return found.cast({"exposed_at": EXPOSURES.schema["exposed_at"]})

    def segments(self) -> pl.DataFrame:
        names = [f"side {unit % 2}" for unit in self.units]
        return pl.DataFrame({"person_id": self.exposures()["person_id"], "segment": names})

    @contextmanager
    def engine(self) -> Iterator[DuckDBEngine]:
        rows = [
            {
                "message_id": f"m{n}",
                "person_id": f"p{person}",
                "type": "track",
                "event": "Order",
                "occurred_at": moment,
                "received_at": NOW,
                "source": "test",
                "properties": json.dumps({"total": total, "far": total + SHIFT}),
                "context": "{}",
            }
            for n, (person, moment, total) in enumerate(self.orders)
        ]
        with TemporaryDirectory() as folder:
            lake = Lake(Path(folder))
            lake.append(EVENTS, pl.DataFrame(rows, schema=EVENTS.schema), writer="test", version=1)
            yield DuckDBEngine(lake, threads=1)


Ends = tuple[float | None, float | None, float | None]


def same(near: Ends, far: Ends) -> None:
    """Effect, low and high are equal but for a millionth of the interval's width."""
    effect, low, high = near
    assert effect is not None
    assert low is not None
    assert high is not None
    assert far == pytest.approx((effect, low, high), rel=0, abs=1e-6 * (high - low))


def ends(found: Comparison) -> Ends:
    return found.effect, found.effect_low, found.effect_high


@pytest.mark.parametrize("way", WAYS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=3)
def test_effects_and_intervals_do_not_move(way: str, seed: int) -> None:
    world = World(seed, once="means" in way)
    with world.engine() as engine:
        near, far = measure(engine, world.exposures(), WAYS[way], now=NOW).comparisons
    same(ends(near), ends(far))
    for one, other in ((near.control_mean, far.control_mean), (near.arm_mean, far.arm_mean)):
        assert one is not None
        assert other == pytest.approx(one + SHIFT, abs=1e-6)
    assert near.effect is not None
    assert far.lift == pytest.approx(near.effect / SHIFT, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("clustered", [False, True])
def test_days_segments_and_strata_do_not_move(clustered: bool) -> None:  # noqa: FBT001 - a parameter
    plan = replace(MEANS, clustered=clustered)
    world = World(5, homes=600)
    with world.engine() as engine:
        (whole,) = tallies(engine, world.exposures(), plan, now=NOW)
        days = tallies(engine, world.exposures(), plan, now=NOW, by=DAY)
        parts = tallies(engine, world.exposures(), plan, now=NOW, by=world.segments())
    design = design_of(plan, whole)
    found: list[tuple[str, Ends]] = [
        (one.metric, (one.effect, one.effect_low, one.effect_high)) for one in looks(design, days)
    ]
    found += [
        (spread.metric, (one.effect, one.effect_low, one.effect_high))
        for spread in spreads(design, "side", parts)
        for one in spread.segments
    ]
    found += [(one.metric, ends(one)) for one in stratified(design, parts)]
    near, far = ([figure for metric, figure in found if metric == m] for m in ("spent", "far"))
    assert len(near) == len(far) == 5 + 2 + (not clustered)
    for one, other in zip(near, far, strict=True):
        same(one, other)


def test_what_makes_up_the_history_of_a_pilot_has_its_offset_again() -> None:
    world = World(1)
    with world.engine() as engine:
        (whole,) = tallies(engine, world.exposures(), replace(MEANS, clustered=True), now=NOW)
    near, far = (float(told(o.moments["a"], o).mean[0]) for o in whole.outcomes)
    assert far == pytest.approx(near + SHIFT, abs=1e-6)


def test_groups_add_up_to_the_whole() -> None:
    plan = WAYS["ratios, CUPED, clusters"]
    world = World(9, once=False)
    with world.engine() as engine:
        (whole,) = tallies(engine, world.exposures(), plan, now=NOW)
        parts = tallies(engine, world.exposures(), plan, now=NOW, by=world.segments())
    _, wanted = whole.outcomes
    for arm in "ab":
        added = reduce(add, (part.outcomes[1].moments[arm] for part in parts))
        np.testing.assert_allclose(added.mean, wanted.moments[arm].mean, rtol=1e-9)
        np.testing.assert_allclose(added.scatter, wanted.moments[arm].scatter, rtol=1e-6)
    assert {part.outcomes[1].offset for part in parts} == {wanted.offset}
    assert wanted.offset == pytest.approx(SHIFT, rel=1e-6)
    assert whole.outcomes[0].offset == 0


def test_what_is_the_same_for_everybody_is_still_called_so() -> None:
    world = World(3)
    world.orders = [(person, moment, 0.3) for person, moment, _ in world.orders]
    for plan in (MEANS, replace(MEANS, clustered=True)):
        with world.engine() as engine:
            found = measure(engine, world.exposures(), replace(plan, metrics=[FAR]), now=NOW)
        assert "constant_metric" in [one.name for one in found.warnings]
        assert [one.control_mean for one in found.comparisons] == [pytest.approx(SHIFT + 0.3)]
