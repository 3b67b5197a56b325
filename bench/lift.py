"""The lift of an experiment: two metrics, exposures and events in the lake, DuckDB.

Two sizes and the exponent with which the time grows; 1 is linear.
"""

import math
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.stages.events.model import EVENTS
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.lift import CONVERSION, SUM, Metric, Plan, measure

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
               '{{}}' AS entry
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


def timed(people: int) -> tuple[float, float]:
    """Seconds of one measurement and of its processor time, on files that were read once before."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        fill(lake, people)
        now = START + timedelta(days=DAYS)
        measure(DuckDBEngine(lake), EXPOSURES, PLAN, now=now)
        begun, worked = time.perf_counter(), time.process_time()
        lift = measure(DuckDBEngine(lake), EXPOSURES, PLAN, now=now)
        spent = time.perf_counter() - begun, time.process_time() - worked
    found = sum(arm.units for arm in lift.arms)
    if found != people:
        raise AssertionError(f"{found} of {people} people were measured")
    return spent


def main() -> bool:
    """Print both sizes and the exponent; returns whether the goal is met."""
    found = [timed(people) for people in SIZES]
    for people, (spent, worked) in zip(SIZES, found, strict=True):
        events = people * EVENTS_EACH
        print(f"lift: {people:,} people, {events:,} events: {spent:.2f} s ({worked:.2f} s of work)")
    exponent = math.log(found[1][1] / found[0][1]) / math.log(SIZES[1] / SIZES[0])
    met = found[-1][0] < GOAL_SECONDS
    verdict = "met" if met else "missed"
    print(f"lift: work grows with exponent {exponent:.2f}; goal {GOAL_SECONDS:g} s: {verdict}")
    return met


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
