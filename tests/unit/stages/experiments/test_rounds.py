"""What chance dealt while traffic grew: exact shares, however people came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from courtesy.ground.stats import ALARM, chi_square, sequential
from courtesy.stages.experiments import Experiment, Ramp, Split, assign, expected_shares
from courtesy.stages.experiments.rounds import (
    Round,
    holdout_shares,
    overall,
    rounds,
    traffic_until,
)

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ARMS = dict.fromkeys("abc", 1 / 3)
RAMP = (Ramp(None, 0.001), Ramp(NOON, 0.002), Ramp(NOON + DAY, 0.003))
EXPERIMENT = Experiment("it", None, None, ARMS, "a", traffic=RAMP)
PEOPLE = pl.select(pl.concat_str(pl.lit("person-"), pl.int_range(2_000_000).cast(pl.String)))
UNITS = PEOPLE.to_series().alias("unit")


def exposed(traffic: float) -> pl.DataFrame:
    """Everybody who takes part when so much of the traffic does."""
    arms = assign(UNITS, Split("it", ARMS, "it", traffic))
    return pl.DataFrame({"unit": UNITS, "arm": arms}).drop_nulls()


FIRST, SECOND = exposed(0.001), exposed(0.002)


def p_values(found: list[Round]) -> tuple[float, float]:
    counts = [list(one.units.values()) for one in found]
    shares = [list(one.shares.values()) for one in found]
    return float(chi_square(counts, shares)), float(sequential(counts, shares))


def counts(dealt: pl.DataFrame) -> list[int]:
    return [int((dealt["arm"] == arm).sum()) for arm in ARMS]


def test_each_step_deals_the_buckets_that_it_adds() -> None:
    first, second, outside = rounds(EXPERIMENT, [0.001, 0.002], SECOND)
    assert first.shares == {"a": 0.4, "b": 0.3, "c": 0.3}
    assert second.shares == {"a": 0.3, "b": 0.3, "c": 0.4}
    assert outside.shares == ARMS
    assert list(first.units.values()) == counts(FIRST)
    assert list(second.units.values()) == counts(SECOND.join(FIRST, on="unit", how="anti"))
    assert not any(outside.units.values())


def test_shares_of_today_alarmed_and_rounds_do_not() -> None:
    """Most people were exposed before the ramp."""
    later = SECOND.join(FIRST, on="unit", how="anti").head(50)
    seen = pl.concat([FIRST, later])
    today = expected_shares(EXPERIMENT, NOON)
    assert today == {"a": 0.35, "b": 0.3, "c": 0.35}
    assert float(chi_square(counts(seen), list(today.values()))) < ALARM
    found = rounds(EXPERIMENT, [0.001, 0.002], seen)
    assert min(p_values(found)) > ALARM
    known = overall(found)
    assert known is not None
    assert known["a"] == pytest.approx((0.4 * len(FIRST) + 0.3 * 50) / len(seen))


def test_the_time_of_the_exposure_would_alarm_too() -> None:
    """Everybody comes once before the ramp and once after it: then only added buckets are new."""
    new = SECOND.join(FIRST, on="unit", how="anti")
    by_time = [[0.4, 0.3, 0.3], [0.35, 0.3, 0.35]]
    assert float(chi_square([counts(FIRST), counts(new)], by_time)) < ALARM
    assert min(p_values(rounds(EXPERIMENT, [0.001, 0.002], SECOND))) > ALARM


def test_a_real_mismatch_is_found() -> None:
    lost = SECOND.filter((pl.col("arm") != "b") | (pl.int_range(pl.len()) % 5 > 0))
    one_look, any_look = p_values(rounds(EXPERIMENT, [0.001, 0.002], lost))
    assert one_look < ALARM
    assert any_look < 0.05


def test_who_is_outside_all_traffic_has_the_shares_of_the_definition() -> None:
    strange = pl.DataFrame({"unit": UNITS.head(900), "arm": ["a", "b", "c"] * 300})
    *_, outside = rounds(EXPERIMENT, [0.001], strange.join(FIRST, on="unit", how="anti"))
    assert sum(outside.units.values()) > 890
    assert outside.shares == ARMS


def test_nobody_has_no_shares_yet() -> None:
    assert overall(rounds(EXPERIMENT, [0.001, 0.002], SECOND.clear())) is None


def test_traffic_is_that_of_all_versions_until_now() -> None:
    before = replace(EXPERIMENT, traffic=(Ramp(None, 0.0), Ramp(NOON - DAY, 0.0005)))
    assert traffic_until([before, EXPERIMENT], NOON) == [0.0005, 0.001, 0.002]
    assert traffic_until([EXPERIMENT], NOON - DAY) == [0.001]


def test_a_holdout_has_whole_buckets() -> None:
    assert holdout_shares("it", 0.1, 0.1) == {"holdout": 0.1, "treated": 0.9}
    assert holdout_shares("it", 0.00125, 0.2) == {"holdout": 0.0013, "treated": 0.8}
