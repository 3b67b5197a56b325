"""What answers questions about the history: SQL in DuckDB's dialect, over files and frames."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import duckdb
import polars as pl

from courtesy.ground.lake.lake import Lake, Table


class Engine(Protocol):
    """Runs one statement over lake tables and frames."""

    def query(
        self, sql: str, *, tables: Sequence[Table] = (), frames: Mapping[str, pl.DataFrame]
    ) -> pl.DataFrame:
        """The rows that ``sql`` yields.

        Args:
            sql: one SELECT in DuckDB's dialect; values are literals inside it.
            tables: the lake tables it names.
            frames: the other relations it names.
        """
        ...


class DuckDBEngine:
    """The embedded engine."""

    def __init__(self, lake: Lake, *, threads: int | None = None) -> None:
        self._lake = lake
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        if threads:
            self._connection.execute(f"SET threads = {threads}")

    def query(
        self, sql: str, *, tables: Sequence[Table] = (), frames: Mapping[str, pl.DataFrame]
    ) -> pl.DataFrame:
        """The rows that ``sql`` yields; times are UTC with microseconds."""
        with self._connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            for table in tables:
                self._attach(cursor, table)
            for name, frame in frames.items():
                cursor.register(name, frame.to_arrow())
            return pl.DataFrame(cursor.sql(sql).to_arrow_table())

    def _attach(self, cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
        files = list(self._lake.files(table))
        if files:
            relation = cursor.read_parquet(files, hive_partitioning=True, union_by_name=False)
            relation.create_view(table.name, replace=True)
        else:
            cursor.register(table.name, pl.DataFrame(schema=table.schema).to_arrow())
