"""What answers questions about the history: SQL in DuckDB's dialect, over files and frames."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import duckdb
import polars as pl

from courtesy.ground.lake.lake import Lake, Table
from courtesy.ground.lake.log import DAY
from courtesy.ground.primitives.errors import CourtesyError, HomeError, QueryError

_SETTINGS = {
    "TimeZone": "'UTC'",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


class Engine(Protocol):
    """Runs one statement over lake tables and frames; any thread may ask."""

    def query(
        self,
        sql: str,
        *,
        tables: Sequence[Table] = (),
        frames: Mapping[str, pl.DataFrame],
        since: date | None = None,
        until: date | None = None,
    ) -> pl.DataFrame:
        """The rows that ``sql`` yields.

        Args:
            sql: one SELECT in DuckDB's dialect; values are literals inside it.
            tables: the lake tables it names; each has the column ``day`` in addition.
            frames: the other relations it names.
            since: the first day (UTC) of the tables that is looked at.
            until: the last one.

        Raises:
            QueryError: the statement is not valid, or fails on these rows.
            HomeError: the files cannot be read.
        """
        ...


class DuckDBEngine:
    """The embedded engine."""

    def __init__(self, lake: Lake, *, threads: int | None = None) -> None:
        self._lake = lake
        settings = {**_SETTINGS, "temp_directory": _literal(str(lake.folder / ".spill"))}
        if threads:
            settings["threads"] = str(threads)
        self._connection = duckdb.connect()
        for name, value in settings.items():
            self._connection.execute(f"SET GLOBAL {name} = {value}")

    def query(
        self,
        sql: str,
        *,
        tables: Sequence[Table] = (),
        frames: Mapping[str, pl.DataFrame],
        since: date | None = None,
        until: date | None = None,
    ) -> pl.DataFrame:
        """The rows that ``sql`` yields; times are UTC with microseconds."""
        try:
            with self._connection.cursor() as cursor:
                for table in tables:
                    files = self._lake.files(table, since=since, until=until)
                    _attach(cursor, table, files)
                for name, frame in frames.items():
                    cursor.register(name, frame.to_arrow())
                return pl.DataFrame(cursor.sql(sql).to_arrow_table())
        except duckdb.Error as error:
            raise self._told(error, tables) from error

    def _told(self, error: duckdb.Error, tables: Sequence[Table]) -> CourtesyError:
        detail = f"DuckDB says: {str(error).split(chr(10), maxsplit=1)[0].rstrip('.')}."
        if isinstance(error, duckdb.OperationalError):
            return HomeError(detail, place=str(self._lake.folder))
        return QueryError(detail, place=", ".join(table.name for table in tables))


def _attach(cursor: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str]) -> None:
    """Name the table; its declared columns are there even where every file predates one."""
    declared = f"declared_{table.name}"
    schema = {**table.schema, DAY: pl.Date()}
    cursor.register(declared, pl.DataFrame(schema=schema).to_arrow())
    cursor.execute(f"CREATE TEMP VIEW {table.name} AS {_rows(declared, files)}")


def _rows(declared: str, files: Sequence[str]) -> str:
    if not files:
        return f"SELECT * FROM {declared}"  # noqa: S608 - our own name
    paths = ", ".join(map(_literal, files))
    return (
        f"SELECT * FROM {declared} WHERE false UNION ALL BY NAME"  # noqa: S608 - our own names
        f" SELECT * FROM read_parquet([{paths}], hive_partitioning = true, union_by_name = true)"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
