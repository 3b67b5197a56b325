"""A writer of the lake that is killed at any instant leaves whole appends only."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from courtesy.ground.lake import Lake, Table

VISITS = Table(
    "visits",
    "occurred_at",
    pl.Schema({"person_id": pl.String(), "occurred_at": pl.Datetime("us", "UTC")}),
)
_DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
_APPENDING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from courtesy.ground.lake import Lake, Table
schema = pl.Schema({"person_id": pl.String(), "occurred_at": pl.Datetime("us", "UTC")})
table = Table("visits", "occurred_at", schema)
days = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
lake = Lake(Path(sys.argv[1]))
for version in range(lake.version(table, "inbox") + 1, 10_000):
    frame = pl.DataFrame({"person_id": str(version), "occurred_at": days}, schema=schema)
    lake.append(table, frame, writer="inbox", version=version)
    print(version, flush=True)
    if version % 7 == 0:
        lake.compact(table)
"""


def _append_until_killed(lake: Lake, lines: int) -> int:
    """Returns the last version that was acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", _APPENDING, str(lake.folder)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(lines)]
    writer.kill()
    told += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    return told[-1]


@pytest.mark.parametrize("lines", [1, 6, 15])
def test_only_whole_appends_are_found(tmp_path: Path, lines: int) -> None:
    lake = Lake(tmp_path / "lake")
    for _ in range(3):
        told = _append_until_killed(lake, lines)
        found = pl.read_parquet(lake.files(VISITS), hive_partitioning=False)
        versions = sorted(map(int, found["person_id"].unique()))
        assert versions == list(range(1, versions[-1] + 1))
        assert versions[-1] in {told, told + 1}
        assert versions[-1] == lake.version(VISITS, "inbox")
        expected = [(str(version), day) for version in versions for day in _DAYS]
        assert sorted(found.rows()) == sorted(expected)
