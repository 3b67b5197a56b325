"""What a database does in its own way; everything else is the same SQL for both."""

from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import polars as pl
from sqlalchemy import URL, Connection, Engine

from courtesy.ground.ledger.sqlite import SQLite
from courtesy.ground.primitives.errors import HomeError

Mode = Literal["read", "write"]


class Database(Protocol):
    """The few differences.

    ``temporary``: the schema where temporary tables stand.
    ``binary``: the type of a column of bytes.
    """

    temporary: str
    binary: str

    def engine(self, url: URL, wait: float) -> Engine:
        """A pool of connections whose writers wait ``wait`` seconds for each other."""
        ...

    def mode(self, connection: Connection, mode: Mode) -> Connection:
        """The same connection, to begin as ``read`` (one look at everything) or ``write``."""
        ...

    def turn(self, connection: Connection) -> AbstractContextManager[None]:
        """A writer's turn: nobody takes two in a row while somebody waits."""
        ...

    def fill(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        """Insert rows of numbers, text and bytes into a temporary table with these columns."""
        ...

    def snapshot(self, url: URL) -> "Snapshot":
        """The database as its last commit left it, whatever is written from now on.

        Raises:
            HomeError: it is kept by means of its own.
        """
        ...


class Snapshot(Protocol):
    """A database at one moment."""

    def copy(self, into: Path) -> None:
        """Write it to a file."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def database(url: URL) -> Database:
    """The database that a URL is of.

    Raises:
        HomeError: it is neither SQLite nor PostgreSQL, or the driver is not installed.
    """
    name = url.get_backend_name()
    if name == "sqlite":
        return SQLite()
    if name == "postgresql":
        return _postgresql()
    raise HomeError(f"A ledger is sqlite:///… or postgresql+psycopg://…; found {name}.")


def _postgresql() -> Database:
    if not find_spec("psycopg"):
        raise HomeError("PostgreSQL needs its driver: pip install 'courtesy[postgres]'.")
    from courtesy.ground.ledger.postgresql import PostgreSQL  # noqa: PLC0415 - an optional extra

    return PostgreSQL()
