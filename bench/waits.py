"""How long an accepted call waits while a large import runs in another process.

Both write to one ledger; writers take turns, so a call waits for one batch of the import at most.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import DEVNULL

import httpx
import numpy as np
from latency import free_port

GOAL_SECONDS = 1.0
PAUSE = 0.02
ROWS = 100_000


def courtesy(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "courtesy", "--home", str(home), *words]


def write(file: Path, rows: int) -> None:
    """Events of 50,000 people over nine months, none of them in order."""
    with file.open("w", encoding="utf-8") as out:
        for n in range(rows):
            day = f"2026-{1 + n % 9:02}-{1 + n % 28:02}T12:00:00Z"
            event = {"type": "track", "event": "Order Completed", "messageId": f"m{n}"}
            out.write(json.dumps({**event, "userId": f"u{n % 50_000}", "timestamp": day}) + "\n")


def measure(home: Path, file: Path) -> np.ndarray:
    """The seconds of every call, one after the other, until the import is done."""
    subprocess.run(courtesy(home, "init"), check=True, stdout=DEVNULL)
    made = subprocess.check_output(courtesy(home, "keys", "create", "shop", "--json"))
    port = free_port()
    with subprocess.Popen(courtesy(home, "serve", "--port", str(port)), stdout=DEVNULL) as server:
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        key = json.loads(made)["write_key"]
        while _seconds(client, key) is None:
            time.sleep(0.1)
        with subprocess.Popen(
            courtesy(home, "import", "events", str(file)), stdout=DEVNULL, stderr=DEVNULL
        ) as importing:
            waits = []
            while importing.poll() is None:
                waits.append(_seconds(client, key))
                time.sleep(PAUSE)
        server.terminate()
    return np.array(waits, dtype=float)


def _seconds(client: httpx.Client, key: str) -> float | None:
    begun = time.perf_counter()
    try:
        client.post("/v1/track", json={"userId": "u", "event": "Live"}, auth=(key, ""))
    except httpx.ConnectError:
        return None
    return time.perf_counter() - begun


def main() -> None:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    for rows in (ROWS // 4, ROWS):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "events.jsonl"
            write(file, rows)
            waits = measure(Path(folder) / "home", file)
        p50, p99 = np.quantile(waits, (0.5, 0.99))
        print(
            f"accepted calls beside an import of {rows:,} rows: {len(waits):,} calls, "
            f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
            f"longest {waits.max() * 1000:.0f} ms (goal {GOAL_SECONDS * 1000:.0f})"
        )


if __name__ == "__main__":
    main()
