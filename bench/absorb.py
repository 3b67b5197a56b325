"""Inbox to history: how many events a second one process takes in, at two sizes."""

import json
import math
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from courtesy.app import make_home, open_app
from courtesy.flow import absorb
from courtesy.stages.events import Accepted
from courtesy.stages.events import store as events_store
from courtesy.stages.events.collect import collect

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = (50_000, 200_000)
BATCH = 100
PEOPLE = 20_000


def batch(number: int) -> bytes:
    """One hundred events of different people, as a client sends them."""
    first = number * BATCH
    events = [
        {
            "type": "track",
            "event": "Product Viewed",
            "userId": f"u{(first + i) * 7919 % PEOPLE}",
            "messageId": f"m{first + i}",
            "timestamp": (START + timedelta(seconds=first + i)).isoformat(),
            "properties": {"sku": f"s{i}", "price": 9.99, "currency": "EUR"},
            "context": {"library": {"name": "bench", "version": "1"}, "timezone": "Europe/Berlin"},
        }
        for i in range(BATCH)
    ]
    return json.dumps({"batch": events}).encode()


def measure(size: int) -> float:
    """Seconds to take in ``size`` events that wait in the inbox."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        make_home(home)
        app = open_app(home)
        try:
            collected = [collect(batch(i), "batch") for i in range(size // BATCH)]
            with app.ledger.write() as transaction:
                batches = [Accepted("bench", START, one) for one in collected]
                events_store.accept(transaction, batches)
            begun = time.perf_counter()
            done = absorb(app)
            taken = time.perf_counter() - begun
        finally:
            app.close()
    if done.added != size:
        raise ValueError(f"{done.added} of {size} events arrived")
    return taken


def main() -> None:
    """Print the figures."""
    small, large = (measure(size) for size in SIZES)
    exponent = math.log(large / small) / math.log(SIZES[1] / SIZES[0])
    for size, taken in zip(SIZES, (small, large), strict=True):
        print(f"absorb: {size:,} events in {taken:.2f} s, {size / taken:,.0f} events/s")
    print(f"absorb: growth exponent {exponent:.2f} (goal: 50,000 events/s, exponent 1)")


if __name__ == "__main__":
    main()
