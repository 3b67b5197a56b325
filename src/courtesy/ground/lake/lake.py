"""Append-only tables in Delta format, partitioned by day, in one folder.

An append carries the name of its writer and a version that grows (Delta's application transaction,
https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers), so a writer
that was interrupted can see what already arrived.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock

import polars as pl
from deltalake import DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError

from courtesy.ground.lake.log import DAY, Log, told
from courtesy.ground.primitives.errors import HomeError

_PERSON = "person_id"
_MISTAKEN = re.compile(r"[\[\]^|\\%*?\x00-\x1f\x7f]")
_TRIES = 10
_LARGE = 256 * 2**20
_MIDDLING = 8 * 2**20
_CROWD = 64


@dataclass(frozen=True)
class Table:
    """A table of the lake: its name, the column that gives the day, and its columns' types."""

    name: str
    instant: str
    schema: pl.Schema


class Lake:
    """The tables below one folder, for any number of threads and processes.

    Raises:
        HomeError: the folder's path has a character that delta-rs or DuckDB take for another.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        odd = _MISTAKEN.findall(str(self.folder))
        if odd:
            raise HomeError(f"Its path must do without {' '.join(odd)}.", place=str(self.folder))
        self._reading: dict[str, Log] = {}
        self._writing: dict[str, Log] = {}
        self._lock = Lock()

    def append(self, table: Table, frame: pl.DataFrame, *, writer: str, version: int) -> int:
        """Add rows, all or none, and note that ``writer`` has come to ``version``.

        Does nothing when the writer had come there before. On return the rows are safely on disk.

        Returns:
            The version of the table itself then; -1 for no rows.

        Raises:
            HomeError: the folder cannot be written, for example because the disk is full.
        """
        if frame.is_empty():
            return -1
        rows = _stamped(table, frame)
        log = self._log(self._writing, table)
        with log.lock, told(self.folder):
            for _ in range(_TRIES):
                try:
                    _make_room(log, rows)
                    opened = log.begin(rows)
                    if version <= _came(opened, writer):
                        return opened.version()
                    log.append(opened, rows, Transaction(writer, version))
                except DeltaError as error:
                    log.close()
                    if not _overtaken(error):
                        raise
                else:
                    return opened.version()
        raise HomeError("Other writers came first, again and again.", place=str(self.folder))

    def version(self, table: Table, writer: str) -> int:
        """How far ``writer`` has come; 0 before its first append."""
        log = self._log(self._reading, table)
        with log.lock, told(self.folder):
            return _came(log.newest(), writer)

    def commits(self, table: Table) -> int:
        """The version of the table itself, which every commit raises; -1 before the first."""
        log = self._log(self._reading, table)
        with log.lock, told(self.folder):
            return _version(log.newest())

    def newest(self, table: Table) -> tuple[int, list[Path]]:
        """The table's newest version, -1 where there is none, and its files of data."""
        log = self._log(self._reading, table)
        with log.lock, told(self.folder):
            opened = log.newest()
            paths: list[str] = _files(opened)["path"].to_list() if opened else []
            return _version(opened), [log.folder / path for path in paths]

    def files(
        self, table: Table, *, since: date | None = None, until: date | None = None
    ) -> list[str]:
        """The Parquet files that hold the table now.

        ``since`` and ``until`` are the first and the last day (UTC) that are of interest; files of
        other days are left out.
        """
        log = self._log(self._reading, table)
        with log.lock, told(self.folder):
            opened = log.newest()
            found = _files(opened) if opened else pl.DataFrame(schema={DAY: pl.Date, "path": str})
        wanted = found.filter(
            pl.col(DAY) >= (since or date.min), pl.col(DAY) <= (until or date.max)
        )
        return [str(log.folder / path) for path in wanted["path"]]

    def compact(self, table: Table, *, keep_hours: int = 1) -> None:
        """Join the small files of each day into large ones, sorted by person.

        Where another process is compacting the same table, the rest is left to it.

        Args:
            table: what to compact.
            keep_hours: how long replaced files stay for those who are reading them, and files of
                appends that never ended before they are cleared away; at most 2, and 0 only where
                nobody else has the lake open.

        Raises:
            HomeError: the folder cannot be written, for example because the disk is full.
        """
        log = self._log(self._writing, table)
        with log.lock, told(self.folder):
            if log.newest() is None:
                return
            with log.compacting() as opened:
                if opened:
                    _sort_days(log, opened, table)
                    opened.vacuum(
                        keep_hours, dry_run=False, enforce_retention_duration=False, full=True
                    )

    def _log(self, logs: dict[str, Log], table: Table) -> Log:
        with self._lock:
            return logs.setdefault(table.name, Log(self.folder / table.name))


def _stamped(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    rows = frame.select(list(table.schema)).cast(table.schema)
    order = [DAY, _PERSON] if _PERSON in table.schema else [DAY]
    return rows.with_columns(pl.col(table.instant).dt.date().alias(DAY)).sort(order)


def _came(opened: DeltaTable | None, writer: str) -> int:
    return (opened.transaction_version(writer) or 0) if opened else 0


def _version(opened: DeltaTable | None) -> int:
    return -1 if opened is None else opened.version()


def _overtaken(error: DeltaError) -> bool:
    """Whether another process committed the same version or created the table first."""
    return isinstance(error, CommitFailedError) or "already exists" in str(error)


def _files(opened: DeltaTable) -> pl.DataFrame:
    found = pl.DataFrame(opened.get_add_actions(flatten=True))
    return found.select(pl.col(f"partition.{DAY}").alias(DAY), "path", "size_bytes")


def _small_files(opened: DeltaTable, below: int) -> pl.DataFrame:
    """How many files of fewer bytes each day has: columns ``day`` and ``files``."""
    small = _files(opened).filter(pl.col("size_bytes") < below)
    return small.group_by(DAY).agg(files=pl.len())


def _make_room(log: Log, rows: pl.DataFrame) -> None:
    """Join many small files of the days that get rows, since each commit costs time per file."""
    days = rows.select(DAY).unique()
    if not _crowded(log.newest(), days):
        return
    with log.compacting() as opened:
        small = _crowded(opened, days)
        if opened and small:
            before = opened.version()
            opened.optimize.compact(_among(small), target_size=_MIDDLING)
            log.settle(before)


def _crowded(opened: DeltaTable | None, days: pl.DataFrame) -> list[date]:
    """Which of the days have small files, if these are many; none otherwise."""
    if opened is None:
        return []
    small = days.join(_small_files(opened, _MIDDLING), on=DAY)
    return small[DAY].to_list() if small["files"].sum() > _CROWD * days.height else []


def _sort_days(log: Log, opened: DeltaTable, table: Table) -> None:
    small = _small_files(opened, _LARGE // 4).filter(pl.col("files") > 1)
    if small.is_empty():
        return
    days, before = _among(small[DAY].to_list()), opened.version()
    if _PERSON in table.schema:
        opened.optimize.z_order([_PERSON], days, target_size=_LARGE)
    else:
        opened.optimize.compact(days, target_size=_LARGE)
    log.settle(before)


def _among(days: list[date]) -> list[tuple[str, str, list[str]]]:
    return [(DAY, "in", [str(day) for day in days])]
