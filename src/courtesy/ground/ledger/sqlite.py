"""SQLite: one file, many readers, one writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import URL, Connection, Engine, create_engine, event

from courtesy.ground.ledger.turnstile import turn

_CONNECTIONS = 15
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-65536",
)


class SQLite:
    """The embedded database."""

    temporary = "temp"
    binary = "BLOB"

    def engine(self, url: URL, wait: float) -> Engine:
        """Connections that log ahead and leave ``BEGIN`` to us.

        They stay open, and the last one used is the next: what it read is still in its memory.
        """
        engine = create_engine(
            url.set(drivername="sqlite"),
            connect_args={"timeout": wait},
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def mode(self, connection: Connection, mode: str) -> Connection:
        """A writer takes its turn when it begins, so that what it reads stays true."""
        return connection.execution_options(courtesy_mode=mode)

    @contextmanager
    def turn(self, connection: Connection) -> Iterator[None]:
        """The only writer; SQLite's own lock is then free, but for tools of others."""
        driver: Any = connection.connection
        with ExitStack() as held:
            try:
                (milliseconds,) = driver.execute("PRAGMA busy_timeout").fetchone()
                database = Path(str(connection.engine.url.database))
                held.enter_context(turn(database, milliseconds / 1000))
            except TimeoutError:
                raise sqlite3.OperationalError("database is locked") from None
            except OSError as error:
                raise sqlite3.OperationalError(str(error.strerror)) from error
            yield

    def fill(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        """Insert rows through the bare driver."""
        marks = ", ".join(["?"] * frame.width)
        cursor: Any = connection.connection.cursor()
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", frame.iter_rows())  # noqa: S608 - our own names
        cursor.close()

    def snapshot(self, url: URL) -> "_Snapshot":
        """A reader of its own, since what a reader saw first stays what it sees."""
        return _Snapshot(str(url.database))


class _Snapshot:
    """A reader that stays at the commit that it saw first."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def copy(self, into: Path) -> None:
        with closing(sqlite3.connect(into)) as target:
            self._connection.backup(target)

    def close(self) -> None:
        self._connection.close()


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI object
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("courtesy_mode")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")
