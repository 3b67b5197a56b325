"""The lift of an experiment: exposures and events in the lake, DuckDB.

Two metrics as one result, and three by the day on which people's time was over. Two sizes of each
and the exponent with which the work grows; 1 is linear.
"""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.stages.events.model import EVENTS
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.lift import CONVERSION, DAY, SUM, TIME, Metric, Plan, measure, tallies

GOAL_SECONDS = 5.0
SIZES = (250_000, 1_000_000)
EVENTS_EACH = 10
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
WITHIN = timedelta(days=7)
PLAN = Plan(
    experiment="welcome",
    control="holdout",
    metrics=[
        Metric("bought", CONVERSION, ("Order Completed",), within=WITHIN),
        Metric("revenue", SUM, ("Order Completed",), property="revenue", within=WITHIN),
    ],
    shares={"holdout": 0.2, "treated": 0.8},
)
BY_DAY = replace(
    PLAN,
    metrics=[*PLAN.metrics, Metric("first", TIME, ("Order Completed",), within=2 * WITHIN)],
)


def fill(lake: Lake, people: int) -> None:
    """So many people exposed on the first ten days, and ten events of each over thirty days."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        exposed = pl.DataFrame(connection.sql(_exposures(people)).to_arrow_table())
        lake.append(EXPOSURES, exposed, writer="bench", version=1)
        for day in range(DAYS):
            happened = pl.DataFrame(connection.sql(_events(people, day)).to_arrow_table())
            lake.append(EVENTS, happened, writer="bench", version=day + 1)


def _exposures(people: int) -> str:
    return f"""
        SELECT 'welcome' AS experiment, md5(i::VARCHAR) AS person_id,
               CASE WHEN hash(i) % 5 = 0 THEN 'holdout' ELSE 'treated' END AS arm,
               TIMESTAMPTZ '{START}' + to_seconds(hash(i, 1) % 864000) AS exposed_at,
               '{{}}' AS entry, NULL AS unit, NULL AS traits
        FROM range({people}) AS people(i)"""  # noqa: S608 - numbers


def _events(people: int, day: int) -> str:
    number = people * EVENTS_EACH // DAYS
    name = "CASE hash(n, 2) % 10 WHEN 0 THEN 'Order Completed' WHEN 1 THEN 'Email Opened'"
    amount = "round(exp(3 + hash(n, 3) % 1000 / 500.0), 2)"
    return f"""
        SELECT md5(n::VARCHAR || '-{day}') AS message_id,
               md5((hash(n, {day}) % {people})::VARCHAR) AS person_id, 'track' AS type,
               {name} ELSE 'Product Viewed' END AS event, NULL AS user_id, NULL AS anonymous_id,
               moment AS occurred_at, moment AS received_at, 'bench' AS source,
               '{{"revenue":' || {amount} || ',"currency":"USD"}}' AS properties, '{{}}' AS context
        FROM (SELECT n, TIMESTAMPTZ '{START}' + to_days({day}) + to_seconds(hash(n, 4) % 86400)
              AS moment FROM range({number}) AS numbers(n))"""  # noqa: S608 - numbers


def whole(lake: Lake) -> int:
    """People of the result with two metrics."""
    now = START + timedelta(days=DAYS)
    return sum(arm.units for arm in measure(DuckDBEngine(lake), EXPOSURES, PLAN, now=now).arms)


def by_day(lake: Lake) -> int:
    """People of all days together, with three metrics of two windows."""
    now = START + timedelta(days=DAYS)
    days = tallies(DuckDBEngine(lake), EXPOSURES, BY_DAY, now=now, by=DAY)
    return sum(sum(day.units.values()) for day in days)


def timed(asked: Callable[[Lake], int], people: int) -> tuple[float, float]:
    """Seconds of one measurement and of its processor time, on files that were read once before."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        fill(lake, people)
        asked(lake)
        begun, worked = time.perf_counter(), time.process_time()
        found = asked(lake)
        spent = time.perf_counter() - begun, time.process_time() - worked
    if found != people:
        raise AssertionError(f"{found} of {people} people were measured")
    return spent


def compared(what: str, asked: Callable[[Lake], int]) -> bool:
    """Print both sizes and the exponent; returns whether the goal is met."""
    found = [timed(asked, people) for people in SIZES]
    for people, (spent, worked) in zip(SIZES, found, strict=True):
        size = f"{people:,} people, {people * EVENTS_EACH:,} events"
        print(f"lift, {what}: {size}: {spent:.2f} s ({worked:.2f} s of work)")
    exponent = math.log(found[1][1] / found[0][1]) / math.log(SIZES[1] / SIZES[0])
    met = found[-1][0] < GOAL_SECONDS
    verdict = f"goal {GOAL_SECONDS:g} s: {'met' if met else 'missed'}"
    print(f"lift, {what}: work grows with exponent {exponent:.2f}; {verdict}")
    return met


def main() -> bool:
    """Print both ways of asking; returns whether the goal is met by both."""
    ways = {"two metrics": whole, "three metrics by day": by_day}
    met = [compared(what, asked) for what, asked in ways.items()]
    return all(met)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
