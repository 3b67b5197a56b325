"""Opening the ledger, and its transactions."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from courtesy.ground.ledger.databases import Mode, Snapshot, database
from courtesy.ground.ledger.transaction import Transaction
from courtesy.ground.primitives.errors import HomeError

_WAIT_SECONDS = 30.0
MIGRATIONS = Path(__file__).parent / "migrations"
_REVISIONS = "alembic_version"
_DIGITS = 4


class Ledger:
    """The operational database at one URL.

    Args:
        url: such as ``sqlite:////data/home/ledger.db`` or ``postgresql+psycopg://user@host/name``.
        wait: how many seconds a writer waits for another before it gives up.

    Raises:
        HomeError: the URL is not of a database that can hold a ledger.
    """

    def __init__(self, url: str, *, wait: float = _WAIT_SECONDS) -> None:
        self.url = url
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise HomeError(
                "A ledger is given by a URL such as sqlite:////data/ledger.db."
            ) from None
        self._parsed = parsed
        self._place = parsed.set(query={}).render_as_string(hide_password=True)
        self._database = database(parsed)
        self._engine = self._database.engine(parsed, wait)
        self._failures = (DBAPIError, PoolTimeoutError, self._engine.dialect.loaded_dbapi.Error)

    def migrate(self) -> None:
        """Bring the tables to the newest version; does nothing where they are.

        Raises:
            HomeError: the database cannot be reached or written, or a newer Courtesy made it.
        """
        with self._begin("read") as transaction:
            if _is_newest(transaction):
                return
        from courtesy.ground.ledger.migrate import upgrade  # noqa: PLC0415 - slow to load

        with self._begin("write") as transaction:
            upgrade(transaction.connection, MIGRATIONS, self._place)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent look at the ledger; nothing is kept of what is written in it.

        Raises:
            HomeError: the database cannot be reached or refuses.
        """
        with self._begin("read") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction, committed at the end of the block and rolled back on an error.

        Writers take turns: what a writer reads stays true until it commits.

        Raises:
            HomeError: the disk is full, the file is not a database, another writer did not end in
                time, or a row breaks a rule of its table.
        """
        with self._begin("write") as transaction:
            yield transaction

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The ledger as its last commit left it, to be copied while others go on writing.

        Raises:
            HomeError: the database cannot be read, or is kept by means of its own.
        """
        try:
            with closing(self._database.snapshot(self._parsed)) as snapshot:
                yield snapshot
        except self._failures as error:
            raise HomeError(_said(error), place=self._place) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _turn(self, connection: Connection, mode: Mode) -> AbstractContextManager[None]:
        return self._database.turn(connection) if mode == "write" else nullcontext()

    @contextmanager
    def _begin(self, mode: Mode) -> Iterator[Transaction]:
        try:
            with self._engine.connect() as bare, self._turn(bare, mode):
                connection = self._database.mode(bare, mode)
                with connection.begin() as frame:
                    transaction = Transaction(connection, self._database)
                    yield transaction
                    if mode == "read":
                        frame.rollback()
                    else:
                        transaction.drop_loaded()
        except self._failures as error:
            raise HomeError(_said(error), place=self._place) from error


def _is_newest(transaction: Transaction) -> bool:
    """Whether the tables are of the last migration; revisions are numbers in order."""
    if not inspect(transaction.connection).has_table(_REVISIONS):
        return False
    newest = max(path.name[:_DIGITS] for path in (MIGRATIONS / "versions").glob("*.py"))
    revision = text(f"SELECT version_num FROM {_REVISIONS}")  # noqa: S608 - ours
    return bool(transaction.connection.scalar(revision) == newest)


def _said(error: Exception) -> str:
    first = str(getattr(error, "orig", None) or error).strip().split("\n", maxsplit=1)[0]
    return f"The ledger says: {first.rstrip('.')}."
