"""One transaction: named queries with values in, frames out.

Instants travel as whole microseconds since 1970 and truth as 0 and 1, so that both databases hold
the same numbers.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, CursorResult, text

from courtesy.ground.ledger.databases import Database
from courtesy.ground.primitives.clock import microseconds

_INTEGERS = (pl.Boolean, pl.Datetime)


class Transaction:
    """What can be done between begin and commit."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self.connection = connection
        self._database = database
        self._loaded: set[str] = set()

    def run(self, query: str, /, **values: object) -> int:
        """Execute one statement; returns how many rows it changed."""
        return self._execute(query, values).rowcount

    def rows(self, query: str, /, **values: object) -> list[dict[str, Any]]:
        """The rows of a query, each by column name; for few rows (many are a ``frame``)."""
        found = self._execute(query, values)
        names = tuple(found.keys())
        return [dict(zip(names, row, strict=True)) for row in found.cursor.fetchall()]

    def one(self, query: str, /, **values: object) -> dict[str, Any] | None:
        """The first row of a query, or None."""
        return next(iter(self.rows(query, **values)), None)

    def scalar(self, query: str, /, **values: object) -> Any:  # noqa: ANN401 - SQL decides
        """The first column of the first row, or None."""
        return self._execute(query, values).scalar()

    def frame(self, query: str, schema: pl.Schema, /, **values: object) -> pl.DataFrame:
        """The rows of a query as a frame with exactly the columns of ``schema``, in its order.

        ``schema`` maps column names to Polars types; ``Datetime`` and ``Boolean`` columns are read
        from the numbers that stand for them.
        """
        rows = self._execute(query, values).cursor.fetchall()
        raw = {name: _stored(kind) for name, kind in schema.items()}
        return pl.DataFrame(rows, schema=raw, orient="row").cast(schema)

    def load(self, name: str, frame: pl.DataFrame) -> None:
        """Put a frame into the temporary table ``name``, in place of what it held.

        Statements of the same transaction can then join it; it is gone when that ends. The columns
        keep their names.
        """
        table = f"{self._database.temporary}.{name}"
        columns = ", ".join(
            f'"{column}" {self._sql_type(kind)}' for column, kind in frame.schema.items()
        )
        if table in self._loaded:
            self.connection.exec_driver_sql(f"DROP TABLE {table}")
        self.connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({columns})")
        self._loaded.add(table)
        if not frame.is_empty():
            self._database.fill(self.connection, table, _storable(frame))

    def drop_loaded(self) -> None:
        """Drop what was loaded, so that the connection's next user finds nothing of it.

        A rollback does the same.
        """
        for table in self._loaded:
            self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        self._loaded.clear()

    def _execute(self, query: str, values: Mapping[str, object]) -> CursorResult[Any]:
        return self.connection.execute(text(query), _plain(values))

    def _sql_type(self, kind: pl.DataType) -> str:
        if kind.is_integer() or isinstance(kind, _INTEGERS):
            return "BIGINT"
        if kind.is_float():
            return "DOUBLE PRECISION"
        return self._database.binary if isinstance(kind, pl.Binary) else "TEXT"


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return microseconds(value)
    return int(value) if isinstance(value, bool) else value


def _stored(kind: pl.DataType) -> pl.DataType:
    return pl.Int64() if isinstance(kind, _INTEGERS) else kind


def _storable(frame: pl.DataFrame) -> pl.DataFrame:
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    truths = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Boolean)]
    return frame.with_columns(pl.col(instants).dt.timestamp("us"), pl.col(truths).cast(pl.Int64))
