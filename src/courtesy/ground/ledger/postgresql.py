"""PostgreSQL: for many workers. It keeps SQLite's promise: writers take turns."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import polars as pl
from psycopg import ClientCursor
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from sqlalchemy import URL, Connection, Engine, create_engine, event

from courtesy.ground.primitives.errors import HomeError

_TURN = 7_305_804_402_201_000_001
_WORTH_ANALYZING = 1_000


class PostgreSQL:
    """The database server."""

    temporary = "pg_temp"
    binary = "BYTEA"

    def engine(self, url: URL, wait: float) -> Engine:
        """Connections that put values into the statement themselves.

        The server would otherwise ask for a cast at every value whose type it cannot guess, such
        as in ``:since IS NULL``.
        """
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"cursor_factory": ClientCursor},
            execution_options={"courtesy_wait": round(wait * 1000)},
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def mode(self, connection: Connection, mode: str) -> Connection:
        """A reader sees one snapshot; a writer sees everything up to when its turn came."""
        level = "REPEATABLE READ" if mode == "read" else "READ COMMITTED"
        return connection.execution_options(courtesy_mode=mode, isolation_level=level)

    def turn(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002 - agreed
        """The server itself keeps the queue, when the transaction begins."""
        return nullcontext()

    def fill(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        """Copy rows in; the character NUL, which PostgreSQL does not know, becomes U+FFFD."""
        known = pl.col(pl.String).str.replace_all("\x00", "\ufffd", literal=True)
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in frame.with_columns(known).iter_rows():
                copy.write_row(row)
        if frame.height > _WORTH_ANALYZING:
            connection.exec_driver_sql(f"ANALYZE {table}")

    def snapshot(self, url: URL) -> NoReturn:
        """It has tools of its own.

        Raises:
            HomeError: always.
        """
        raise HomeError(
            "PostgreSQL keeps copies by its own means: stop the server, run pg_dump, copy the "
            "home's folder, and only then start it again (docs/operation.md).",
            place=str(url.database),
        )


class _Numeric(Loader):
    """Sums of whole numbers are NUMERIC here; as in SQLite, they stay whole."""

    def load(self, data: Buffer) -> float:
        text = bytes(data)
        return int(text) if text.removeprefix(b"-").isdigit() else float(text)


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI object
    connection.adapters.register_loader("numeric", _Numeric)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options["courtesy_mode"] == "write":
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{options['courtesy_wait']}ms', true),"
            f" pg_advisory_xact_lock({_TURN})"
        )
