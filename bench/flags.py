"""One flag for one person over HTTP: how long, alone and eight at a time, by how many are known.

A real server process (``courtesy serve``) answers. The first answer for a person is written down
before it is given; later ones are only looked up. ``for-pros`` has a condition on two traits, one
of which differs from person to person; ``for-all`` has none.
"""

import asyncio
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import polars as pl
from latency import courtesy, free_port, wait_for

from courtesy.app import open_app
from courtesy.stages.profiles import TRAITS, identify
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.model import KNOWN

GOAL_SECONDS = 0.010
SIZES = (20_000, 200_000)
ASKED = 500
WARM_UP = 100
START = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = {
    "experiments/for-all.yaml": "experiment: for-all\narms: {control: 1, new: 1}\n",
    "experiments/for-pros.yaml": "experiment: for-pros\narms: {control: 1, new: 1}\n"
    "if: {all: [{trait: plan, is: pro}, {trait: spent, gte: 0}]}\n",
}


def fill(home: Path, people: int) -> None:
    """So many people, each with a plan, and an amount of their own that they spent."""
    users = pl.DataFrame({"user_id": [f"u{i}" for i in range(people)]})
    events = users.with_columns(
        pl.lit(None, pl.String()).alias("anonymous_id"),
        pl.lit(None, pl.String()).alias("previous_id"),
        pl.lit(START, pl.Datetime("us", "UTC")).alias("occurred_at"),
    )
    identified = identify(events, pl.DataFrame(schema=KNOWN))
    values = {"plan": pl.lit('"pro"'), "spent": pl.int_range(pl.len()).cast(pl.String)}
    traits = [
        identified.events.select("person_id", pl.lit(name).alias("name"), value, "occurred_at")
        for name, value in ((name, value.alias("value")) for name, value in values.items())
    ]
    app = open_app(home)
    with app.ledger.write() as transaction:
        profiles_store.put_identified(transaction, identified, START)
        profiles_store.put_traits(transaction, pl.concat(traits).cast(TRAITS))
    app.close()


def quantiles(seconds: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    p50, p99 = np.quantile(np.array(seconds[WARM_UP:]), [0.5, 0.99])
    return float(p50), float(p99)


async def ask(url: str, key: str, flag: str, users: Iterator[str], at_once: int) -> list[float]:
    """How long each answer took, ``at_once`` questions at a time."""
    seconds: list[float] = []
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    headers = {"X-API-Key": key}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits) as client:

        async def work() -> None:
            for user in users:
                body = {"context": {"targetingKey": user}}
                begun = time.perf_counter()
                answer = await client.post(f"/ofrep/v1/evaluate/flags/{flag}", json=body)
                seconds.append(time.perf_counter() - begun)
                answer.raise_for_status()

        await asyncio.gather(*(work() for _ in range(at_once)))
    return seconds


def measure(people: int) -> dict[str, tuple[float, float]]:
    """Median and 99th percentile in seconds, by what was asked and how."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        home, folder = Path(scratch) / "home", Path(scratch) / "workspace"
        for name, text in WORKSPACE.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        courtesy(home, "init")
        courtesy(home, "apply", str(folder))
        key = json.loads(courtesy(home, "keys", "create", "bench", "--json"))["write_key"]
        fill(home, people)
        port = free_port()
        command = [sys.executable, "-m", "courtesy", "--home", str(home), "serve"]
        server = subprocess.Popen([*command, "--port", str(port)], env=dict(os.environ))
        try:
            wait_for(port)
            unasked = itertools.count()
            for flag, at_once in itertools.product(("for-all", "for-pros"), (1, 8)):
                users = [f"u{next(unasked)}" for _ in range(WARM_UP + ASKED)]
                for asked in ("first", "again"):
                    url = f"http://127.0.0.1:{port}"
                    taken = asyncio.run(ask(url, key, flag, iter(users), at_once))
                    found[f"{flag}, {asked}, {at_once} at a time"] = quantiles(taken)
        finally:
            server.terminate()
            server.wait()
    return found


def main() -> None:
    """Print the figures."""
    medians = []
    for people in SIZES:
        found = measure(people)
        medians.append(found["for-all, again, 1 at a time"][0])
        for what, (p50, p99) in found.items():
            print(
                f"flags: {people:,} people, {what}: p50 {p50 * 1000:.1f} ms, "
                f"p99 {p99 * 1000:.1f} ms (goal: p99 < {GOAL_SECONDS * 1000:.0f} ms)"
            )
    exponent = math.log(medians[1] / medians[0]) / math.log(SIZES[1] / SIZES[0])
    print(f"flags: time grows with people to the power {exponent:.2f}")


if __name__ == "__main__":
    main()
