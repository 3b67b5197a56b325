"""A writer that is killed at any instant leaves whole transactions only."""

import subprocess
import sys
from pathlib import Path

import pytest

from courtesy.ground.ledger import Ledger

_WRITING = """
import sys
import polars as pl
from courtesy.ground.ledger import Ledger
ledger = Ledger(sys.argv[1])
for batch in range(int(sys.argv[2]), 10_000):
    people = [f"{batch:06}-{number}" for number in range(500)]
    with ledger.write() as tx:
        tx.load("given", pl.DataFrame({"person_id": people}))
        tx.run("INSERT INTO people SELECT person_id, 0 FROM given")
        tx.run("INSERT INTO seen VALUES (:batch)", batch=f"{batch:06}")
    print(batch, flush=True)
"""


def _write_until_killed(url: str, start: int, lines: int) -> int:
    """Returns the last batch that was acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITING, url, str(start)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(lines)]
    writer.kill()
    told += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    return told[-1]


@pytest.mark.parametrize("lines", [1, 2, 5, 11])
def test_only_whole_transactions_are_found(tmp_path: Path, lines: int) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger = Ledger(url)
    ledger.migrate()
    start = 0
    for _ in range(3):
        told = _write_until_killed(url, start, lines)
        with ledger.read() as tx:
            batches = [int(row["message_id"]) for row in tx.rows("SELECT * FROM seen ORDER BY 1")]
            people = tx.rows(
                "SELECT substr(person_id, 1, 6) AS batch, count(*) AS people FROM people"
                " GROUP BY 1 ORDER BY 1"
            )
        assert batches == list(range(batches[-1] + 1))
        assert batches[-1] in {told, told + 1}
        assert [(int(row["batch"]), row["people"]) for row in people] == [
            (batch, 500) for batch in batches
        ]
        start = batches[-1] + 1
    ledger.close()
