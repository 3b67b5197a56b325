"""A lake on a disk that fills up."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from courtesy.ground.lake import DuckDBEngine, Lake, Table
from courtesy.ground.primitives.errors import HomeError
from courtesy.ground.primitives.ids import digest

Take = Callable[[Path], Path]
VISITS = Table(
    "visits",
    "occurred_at",
    pl.Schema({"person_id": pl.String(), "occurred_at": pl.Datetime("us", "UTC")}),
)


def _visits(many: int, name: str) -> pl.DataFrame:
    people = [digest(name, str(number)) for number in range(many)]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return pl.DataFrame({"person_id": people, "occurred_at": at}, schema=VISITS.schema)


def _count(lake: Lake) -> int:
    found = DuckDBEngine(lake).query(
        "SELECT count(*) AS visits FROM visits", tables=[VISITS], frames={}
    )
    return int(found.item())


def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_space(
    small_disk: Path, take_all_space: Take
) -> None:
    lake = Lake(small_disk / "lake")
    lake.append(VISITS, _visits(10, "early"), writer="inbox", version=1)
    with pytest.raises(HomeError, match="No space left") as caught:
        lake.append(VISITS, _visits(100_000, "late"), writer="inbox", version=2)
    assert caught.value.place == str(lake.folder)
    filler = take_all_space(small_disk)
    with pytest.raises(HomeError, match="No space left"):
        lake.append(VISITS, _visits(10, "late"), writer="inbox", version=2)
    assert (_count(lake), lake.version(VISITS, "inbox")) == (10, 1)
    filler.unlink()
    lake.append(VISITS, _visits(10, "late"), writer="inbox", version=2)
    assert (_count(lake), lake.version(VISITS, "inbox")) == (20, 2)
    assert _count(Lake(small_disk / "lake")) == 20


def test_the_first_append_may_meet_a_full_disk(small_disk: Path, take_all_space: Take) -> None:
    filler = take_all_space(small_disk)
    lake = Lake(small_disk / "lake")
    with pytest.raises(HomeError, match="No space left"):
        lake.append(VISITS, _visits(10, "early"), writer="inbox", version=1)
    assert _count(lake) == 0
    filler.unlink()
    lake.append(VISITS, _visits(10, "early"), writer="inbox", version=1)
    assert _count(lake) == 10


def test_compacting_on_a_full_disk_leaves_the_table_as_it_was(
    small_disk: Path, take_all_space: Take
) -> None:
    lake = Lake(small_disk / "lake")
    for version in (1, 2):
        lake.append(VISITS, _visits(1_000, str(version)), writer="inbox", version=version)
    filler = take_all_space(small_disk)
    with pytest.raises(HomeError, match="No space left"):
        lake.compact(VISITS)
    assert _count(lake) == 2_000
    filler.unlink()
    lake.compact(VISITS)
    assert (_count(lake), len(lake.files(VISITS))) == (2_000, 1)
