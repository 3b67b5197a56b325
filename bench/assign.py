"""The arms of many people in twenty experiments: ids read once, then hash, layer and traffic.

Two sizes and the exponent with which the time grows; 1 is linear.
"""

import math
import time

import duckdb
import polars as pl

from courtesy.stages.experiments import Layer, Split, assign_many

GOAL_SECONDS = 2.0
SIZES = (250_000, 1_000_000)
EXPERIMENTS = 20
REPEATS = 3


def splits() -> list[Split]:
    """Every other one in a part of a layer, every third with some of the traffic."""
    return [
        Split(
            experiment=f"experiment-{number}",
            shares={"control": 0.5, "plain": 0.25, "bold": 0.25},
            seed=f"experiment-{number}",
            traffic=0.3 if number % 3 == 0 else 1.0,
            layer=Layer(f"layer-{number % 4}", 0.0, 0.5) if number % 2 == 0 else None,
        )
        for number in range(EXPERIMENTS)
    ]


def timed(people: int) -> tuple[float, float]:
    """Seconds of the fastest of a few rounds, and of its processor time."""
    asked = f"SELECT md5(i::VARCHAR) AS person_id FROM range({people}) AS people(i)"  # noqa: S608 - a number
    with duckdb.connect() as connection:
        units = pl.DataFrame(connection.sql(asked).to_arrow_table())["person_id"]
    rounds = []
    for _ in range(REPEATS):
        begun, worked = time.perf_counter(), time.process_time()
        found = assign_many(units, splits())
        rounds.append((time.perf_counter() - begun, time.process_time() - worked))
    if {len(arms) for arms in found.values()} != {people} or len(found) != EXPERIMENTS:
        raise AssertionError("not everybody was assigned in every experiment")
    return min(rounds)


def main() -> bool:
    """Print both sizes and the exponent; returns whether the goal is met."""
    found = [timed(people) for people in SIZES]
    for people, (spent, worked) in zip(SIZES, found, strict=True):
        print(
            f"assign: {people:,} people, {EXPERIMENTS} experiments: "
            f"{spent:.2f} s ({worked:.2f} s of work)"
        )
    exponent = math.log(found[1][1] / found[0][1]) / math.log(SIZES[1] / SIZES[0])
    met = found[-1][0] < GOAL_SECONDS
    verdict = "met" if met else "missed"
    print(f"assign: work grows with exponent {exponent:.2f}; goal {GOAL_SECONDS:g} s: {verdict}")
    return met


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
