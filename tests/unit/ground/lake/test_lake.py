"""Tables of the lake: appending once, following others, compacting."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from courtesy.ground.lake import Lake, Table
from courtesy.ground.lake.log import _CONFIGURATION, Log
from courtesy.ground.primitives.errors import HomeError
from courtesy.ground.primitives.ids import digest

INSTANT = pl.Datetime("us", "UTC")
VISITS = Table(
    "visits", "occurred_at", pl.Schema({"person_id": pl.String(), "occurred_at": INSTANT})
)
PRICES = Table("prices", "set_at", pl.Schema({"price": pl.Float64(), "set_at": INSTANT}))
START = datetime(2026, 3, 1, tzinfo=UTC)


def _visits(*people: str, days: int = 1) -> pl.DataFrame:
    instants = [START + timedelta(days=number % days) for number in range(len(people))]
    return pl.DataFrame({"person_id": people, "occurred_at": instants}, schema=VISITS.schema)


def _people(lake: Lake) -> list[str]:
    files = lake.files(VISITS)
    return sorted(pl.read_parquet(files)["person_id"]) if files else []


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_a_writer_that_repeats_itself_adds_nothing(lake: Lake) -> None:
    lake.append(VISITS, _visits("a"), writer="inbox", version=1)
    lake.append(VISITS, _visits("a"), writer="inbox", version=1)
    lake.append(VISITS, _visits("b"), writer="inbox", version=2)
    lake.append(VISITS, _visits("a"), writer="inbox", version=1)
    assert _people(lake) == ["a", "b"]
    assert lake.version(VISITS, "inbox") == 2
    assert Lake(lake.folder).version(VISITS, "inbox") == 2


def test_writers_count_for_themselves(lake: Lake) -> None:
    lake.append(VISITS, _visits("a"), writer="inbox", version=9)
    lake.append(VISITS, _visits("b"), writer="import", version=1)
    assert _people(lake) == ["a", "b"]
    assert [lake.version(VISITS, name) for name in ("inbox", "import", "other")] == [9, 1, 0]


def test_nothing_to_append_is_nothing_done(lake: Lake) -> None:
    lake.append(VISITS, _visits(), writer="inbox", version=1)
    assert not lake.folder.exists()
    assert lake.version(VISITS, "inbox") == 0
    assert lake.files(VISITS) == []
    lake.compact(VISITS)


def test_columns_come_in_the_order_and_types_of_the_table(lake: Lake) -> None:
    loose = pl.DataFrame({"extra": [1], "occurred_at": [START], "person_id": ["a"]})
    lake.append(
        VISITS,
        loose.with_columns(pl.col("occurred_at").dt.cast_time_unit("ms")),
        writer="inbox",
        version=1,
    )
    found = pl.read_parquet(lake.files(VISITS), hive_partitioning=False)
    assert_frame_equal(found, _visits("a"))


def test_files_are_found_by_day(lake: Lake) -> None:
    lake.append(VISITS, _visits(*"abcd", days=4), writer="inbox", version=1)
    found = lake.files(VISITS, since=date(2026, 3, 2), until=date(2026, 3, 3))
    assert sorted(Path(path).parent.name for path in found) == ["day=2026-03-02", "day=2026-03-03"]
    assert len(lake.files(VISITS)) == 4


def test_one_lake_sees_what_another_appends(lake: Lake) -> None:
    other = Lake(lake.folder)
    assert other.files(VISITS) == []
    for version in range(1, 50):
        lake.append(VISITS, _visits(f"p{version}"), writer="inbox", version=version)
        assert other.version(VISITS, "inbox") == version
    assert len(_people(other)) == 49


def test_one_that_slept_while_the_log_was_cleaned_sees_the_newest(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_CONFIGURATION, "delta.logRetentionDuration", "interval 0 seconds")
    lake.append(VISITS, _visits("p1"), writer="inbox", version=1)
    sleeper = Lake(lake.folder)
    assert sleeper.version(VISITS, "inbox") == 1
    for version in range(2, 51):
        lake.append(VISITS, _visits(f"p{version}"), writer="inbox", version=version)
    assert not (lake.folder / "visits" / "_delta_log" / f"{2:020}.json").exists()
    assert sleeper.version(VISITS, "inbox") == 50
    assert len(_people(sleeper)) == 50
    sleeper.append(VISITS, _visits("p51"), writer="inbox", version=51)
    assert len(_people(lake)) == 51


def test_compacting_keeps_the_rows_and_sorts_them_by_person(lake: Lake) -> None:
    people = [digest(str(number)) for number in range(300)]
    for version in range(3):
        part = people[version::3]
        lake.append(VISITS, _visits(*part, days=2), writer="inbox", version=version + 1)
    lake.compact(VISITS)
    assert len(lake.files(VISITS)) == 2
    assert _people(lake) == sorted(people)
    for path in lake.files(VISITS):
        assert pl.read_parquet(path)["person_id"].is_sorted()
    compacted = lake.files(VISITS)
    lake.compact(VISITS)
    assert lake.files(VISITS) == compacted


def test_a_table_without_people_is_compacted_as_well(lake: Lake) -> None:
    for version in (1, 2):
        prices = pl.DataFrame({"price": [float(version)], "set_at": [START]}, schema=PRICES.schema)
        lake.append(PRICES, prices, writer="shop", version=version)
    lake.compact(PRICES)
    (path,) = lake.files(PRICES)
    assert sorted(pl.read_parquet(path)["price"]) == [1.0, 2.0]


def test_replaced_files_stay_for_those_who_read_them(lake: Lake) -> None:
    for version in (1, 2):
        lake.append(VISITS, _visits("a"), writer="inbox", version=version)
    listed = lake.files(VISITS)
    lake.compact(VISITS)
    assert pl.read_parquet(listed).height == 2
    lake.compact(VISITS, keep_hours=0)
    assert not any(map(os.path.exists, listed))
    assert len(_people(lake)) == 2


def test_remains_of_an_append_that_never_ended_are_cleared_away(lake: Lake) -> None:
    lake.append(VISITS, _visits("a"), writer="inbox", version=1)
    stray = Path(lake.files(VISITS)[0]).with_name("stray.parquet")
    stray.write_bytes(b"half a file")
    lake.compact(VISITS)
    assert stray.exists()
    os.utime(stray, (0, 0))
    lake.compact(VISITS)
    assert not stray.exists()
    assert _people(lake) == ["a"]


def test_many_small_appends_do_not_leave_many_small_files(lake: Lake) -> None:
    for version in range(1, 141):
        lake.append(VISITS, _visits(f"p{version}"), writer="inbox", version=version)
    assert len(lake.files(VISITS)) < 70
    assert len(_people(lake)) == 140
    assert Lake(lake.folder).version(VISITS, "inbox") == 140


def test_threads_append_side_by_side(lake: Lake) -> None:
    def work(name: str) -> None:
        for version in range(1, 11):
            lake.append(VISITS, _visits(f"{name}{version}"), writer=name, version=version)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, "abc"))
    assert len(_people(lake)) == 30


_APPENDING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from courtesy.ground.lake import Lake, Table
instant = pl.Datetime("us", "UTC")
schema = pl.Schema({"person_id": pl.String(), "occurred_at": instant})
table = Table("visits", "occurred_at", schema)
lake = Lake(Path(sys.argv[1]))
for version in range(1, 21):
    frame = pl.DataFrame({"person_id": [f"{sys.argv[2]}-{version}"],
                          "occurred_at": [datetime(2026, 3, 1, tzinfo=UTC)]}, schema=schema)
    lake.append(table, frame, writer=sys.argv[2], version=version)
"""


def _appending(lake: Lake, writer: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _APPENDING, str(lake.folder), writer])


def test_processes_append_and_compact_side_by_side(lake: Lake) -> None:
    writers = [_appending(lake, name) for name in ("server", "import")]
    while any(writer.poll() is None for writer in writers):
        lake.compact(VISITS)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(_people(lake)) == 40
    assert len(set(_people(lake))) == 40


def test_two_may_compact_at_once(lake: Lake) -> None:
    writer = _appending(lake, "server")
    lakes = [Lake(lake.folder) for _ in range(3)]
    while writer.poll() is None:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda one: one.compact(VISITS), lakes))
    assert writer.returncode == 0
    assert len(_people(lake)) == len(set(_people(lake))) == 20


def test_the_same_batch_in_two_processes_arrives_once(lake: Lake) -> None:
    writers = [_appending(lake, "inbox") for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert _people(lake) == sorted(f"inbox-{version}" for version in range(1, 21))


def test_who_makes_the_table_after_others_wrote_looks_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that make it at once delta-rs may let both, the second behind the other's rows."""

    make = Log._create

    def late(log: Log, _: pa.Schema) -> DeltaTable:
        monkeypatch.setattr(Log, "_create", make)
        Lake(lake.folder).append(VISITS, _visits("a"), writer="inbox", version=1)
        return DeltaTable(str(log.folder))

    monkeypatch.setattr(Log, "_create", late)
    lake.append(VISITS, _visits("a"), writer="inbox", version=1)
    assert _people(lake) == ["a"]


def test_a_path_that_cannot_hold_a_lake_is_refused(tmp_path: Path) -> None:
    for name in ("a[1]", "100%25", "a*", "what?"):
        with pytest.raises(HomeError, match="must do without"):
            Lake(tmp_path / name)


def test_a_folder_that_holds_something_else_is_a_home_error(lake: Lake) -> None:
    log = lake.folder / "visits" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no log")
    with pytest.raises(HomeError) as caught:
        lake.files(VISITS)
    assert caught.value.place == str(lake.folder)
    assert "\n" not in caught.value.message


def test_the_log_of_many_commits_starts_from_a_checkpoint(lake: Lake) -> None:
    for version in range(1, 46):
        lake.append(VISITS, _visits("a"), writer="inbox", version=version)
    log = lake.folder / "visits" / "_delta_log"
    assert json.loads((log / "_last_checkpoint").read_text())["version"] >= 20
