"""Append-only tables in Delta format, partitioned by day, in one folder.

An append carries the name of its writer and a version that grows (Delta's application transaction,
https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers), so a writer
that was interrupted can see what already arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError

from courtesy.ground.primitives.errors import HomeError

DAY = "day"


@dataclass(frozen=True)
class Table:
    """A table of the lake: its name, the column that gives the day, and its columns' types."""

    name: str
    instant: str
    schema: pl.Schema


class Lake:
    """The tables below one folder. One writer at a time for each table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, DeltaTable] = {}

    def append(self, table: Table, frame: pl.DataFrame, *, writer: str, version: int) -> None:
        """Add rows, all or none, and note that ``writer`` has come to ``version``.

        Does nothing when the writer had come there before.

        Raises:
            HomeError: the folder cannot be written, for example because the disk is full.
        """
        if frame.is_empty() or version <= self.version(table, writer):
            return
        rows = frame.select(list(table.schema)).cast(table.schema)
        stamped = rows.with_columns(pl.col(table.instant).dt.date().alias(DAY))
        mark = CommitProperties(app_transactions=[Transaction(writer, version)])
        try:
            write_deltalake(
                self._table(table) or str(self.folder / table.name),
                stamped.to_arrow(),
                mode="append",
                partition_by=[DAY],
                commit_properties=mark,
            )
        except OSError as error:
            self._open.pop(table.name, None)
            raise HomeError(f"The lake says: {error}.", place=str(self.folder)) from error

    def version(self, table: Table, writer: str) -> int:
        """How far ``writer`` has come; 0 before its first append."""
        opened = self._table(table)
        return (opened.transaction_version(writer) or 0) if opened else 0

    def files(self, table: Table) -> Sequence[str]:
        """The Parquet files that hold the table now."""
        opened = self._table(table)
        return opened.file_uris() if opened else []

    def compact(self, table: Table) -> None:
        """Join the small files of each day into larger ones, and drop the files they replace."""
        opened = self._table(table)
        if opened:
            opened.optimize.compact()
            opened.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)

    def _table(self, table: Table) -> DeltaTable | None:
        if table.name not in self._open:
            try:
                self._open[table.name] = DeltaTable(str(self.folder / table.name))
            except TableNotFoundError:
                return None
        return self._open[table.name]
