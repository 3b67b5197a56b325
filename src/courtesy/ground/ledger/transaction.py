"""One transaction: named queries with values in, frames out.

Instants travel as whole microseconds since 1970 and truth as 0 and 1, so that both databases hold
the same numbers.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, text

from courtesy.ground.primitives.clock import microseconds

_SQL_TYPES = {pl.Float64: "DOUBLE PRECISION", pl.Binary: "BLOB"}
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt32, pl.Boolean, pl.Datetime)


class Transaction:
    """What can be done between begin and commit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, query: str, /, **values: object) -> int:
        """Execute one statement; returns how many rows it changed."""
        return self._connection.execute(text(query), _plain(values)).rowcount

    def rows(self, query: str, /, **values: object) -> list[dict[str, Any]]:
        """The rows of a query, each by column name; for few rows (many are a ``frame``)."""
        found = self._connection.execute(text(query), _plain(values)).mappings()
        return [dict(row) for row in found]

    def one(self, query: str, /, **values: object) -> dict[str, Any] | None:
        """The first row of a query, or None."""
        return next(iter(self.rows(query, **values)), None)

    def scalar(self, query: str, /, **values: object) -> Any:  # noqa: ANN401 - SQL decides
        """The first column of the first row, or None."""
        return self._connection.execute(text(query), _plain(values)).scalar()

    def frame(self, query: str, schema: pl.Schema, /, **values: object) -> pl.DataFrame:
        """The rows of a query as a frame with exactly the columns of ``schema``, in its order.

        ``schema`` maps column names to Polars types; ``Datetime`` and ``Boolean`` columns are read
        from the numbers that stand for them.
        """
        cursor = self._connection.execute(text(query), _plain(values))
        rows = [tuple(row) for row in cursor]
        raw = {name: _stored(kind) for name, kind in schema.items()}
        frame = pl.DataFrame(rows, schema=raw, orient="row")
        return frame.cast(schema)

    def load(self, name: str, frame: pl.DataFrame) -> None:
        """Put a frame into the temporary table ``name``, in place of what it held.

        Statements of the same transaction can then join it. The columns keep their names.
        """
        columns = ", ".join(f"{column} {_sql_type(kind)}" for column, kind in frame.schema.items())
        self._connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        self._connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({columns})")
        self._fill(name, frame)

    def _fill(self, name: str, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        rows = _storable(frame).rows()
        marks = ", ".join(["?"] * frame.width)
        self._connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {k: microseconds(v) if isinstance(v, datetime) else v for k, v in values.items()}


def _stored(kind: pl.DataType) -> pl.DataType:
    return pl.Int64() if isinstance(kind, _INTEGERS) else kind


def _sql_type(kind: pl.DataType) -> str:
    if isinstance(kind, _INTEGERS):
        return "BIGINT"
    return _SQL_TYPES.get(type(kind), "TEXT")


def _storable(frame: pl.DataFrame) -> pl.DataFrame:
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    truths = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Boolean)]
    return frame.with_columns(pl.col(instants).dt.timestamp("us"), pl.col(truths).cast(pl.Int64))
