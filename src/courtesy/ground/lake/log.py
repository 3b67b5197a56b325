"""One table as this process knows it; it follows what other processes commit."""

import json
import os
import re
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import RLock

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from courtesy.ground.primitives.errors import HomeError

DAY = "day"
_SYNCS = 16
_CONFIGURATION = {  # each commit costs time for every file of the log and for every tombstone
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 10 minutes",
    "delta.deletedFileRetentionDuration": "interval 2 hours",
}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


class Log:
    """The Delta log of the table in one folder; one thread at a time may use it.

    ``lock`` is theirs to share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = RLock()
        self._opened: DeltaTable | None = None
        self._checkpoint = 0

    def newest(self) -> DeltaTable | None:
        """The table as the last commit left it; None before the first.

        Looking costs two file lookups while nothing changes.
        """
        if self._opened is None or self._changed(self._opened):
            self._refresh()
        return self._opened

    def close(self) -> None:
        """Forget what is known, after a failure for example."""
        self._opened = None

    def begin(self, frame: pl.DataFrame) -> DeltaTable:
        """The newest table, made for such rows where there is none yet.

        Of two processes that make it at once delta-rs 1.6 may let both, one after the other's first
        rows; so ask what has come only after this.
        """
        opened = self.newest()
        if opened is None:
            self._opened = opened = self._create(frame.to_arrow().schema)
            self.settle(-1)
        return opened

    def append(self, opened: DeltaTable, frame: pl.DataFrame, mark: Transaction) -> None:
        """Commit the rows together with ``mark``, and see them safely on the disk.

        Columns that the table does not have yet are null in the rows that it has.
        Fails where another process committed the same mark since the table was ``opened``.
        """
        before = opened.version()
        write_deltalake(
            opened,
            frame.to_arrow(),
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(app_transactions=[mark]),
        )
        self.settle(before)

    @contextmanager
    def compacting(self) -> Iterator[DeltaTable | None]:
        """The newest table, for the one who may compact it now; None for everybody else.

        Of two processes that replace the same files delta-rs 1.6 refuses none, and every row would
        stand there twice.
        """
        with self.folder.with_suffix(".lock").open("w") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield self.newest()

    def settle(self, before: int) -> None:
        """Have the disk keep every commit after version ``before``, data first."""
        opened = self.newest()
        if opened is None:
            return
        commits = [self._commit(number) for number in range(before + 1, opened.version() + 1)]
        files = {self.folder / path for commit in commits for path in _added(commit)}
        _sync(files)
        _sync({*commits, *(path.parent for path in (*files, *commits)), self.folder})

    def _changed(self, opened: DeltaTable) -> bool:
        return (
            self._commit(opened.version() + 1).exists() or self._checkpointed() != self._checkpoint
        )

    def _refresh(self) -> None:
        """Read on; past a checkpoint start afresh, since commits before it may be gone."""
        checkpoint = self._checkpointed()
        if self._opened is None or checkpoint != self._checkpoint:
            self._opened = self._open()
        else:
            self._opened.update_incremental()
        self._checkpoint = checkpoint

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(str(self.folder))
        except TableNotFoundError:
            return None

    def _create(self, schema: pa.Schema) -> DeltaTable:
        """An empty table; fails where another process made it, so that both then see one."""
        return DeltaTable.create(
            str(self.folder), schema, partition_by=[DAY], configuration=_CONFIGURATION
        )

    def _commit(self, version: int) -> Path:
        return self.folder / "_delta_log" / f"{version:020}.json"

    def _checkpointed(self) -> int:
        try:
            return (self.folder / "_delta_log" / "_last_checkpoint").stat().st_mtime_ns
        except FileNotFoundError:
            return 0


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn what the disk and the table's format complain of into one error with its place.

    Raises:
        HomeError: the folder is full, not ours to write, or holds something else.
    """
    try:
        yield
    except (OSError, DeltaError) as error:
        raise HomeError(_said(error), place=str(folder)) from error


def _said(error: Exception) -> str:
    found = _OS_ERROR.search(str(error))
    first = os.strerror(int(found[1])) if found else str(error).strip().split("\n", maxsplit=1)[0]
    return f"The lake says: {first.rstrip('.')}."


def _added(commit: Path) -> Iterator[str]:
    for line in commit.read_bytes().split(b"\n"):
        added = json.loads(line).get("add") if line else None
        if added:
            yield added["path"]


def _sync(paths: Collection[Path]) -> None:
    """All at once: the disk then writes them in one go."""
    with ThreadPoolExecutor(_SYNCS) as pool:
        list(pool.map(_sync_one, paths))


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
