"""The epoch that a ledger and a lake have in common, and how far the ledger knows the lake.

An epoch is a name drawn by lot when a home is made, repaired or restored. The ledger keeps it in a
table, the lake in a file and in the name of every writer, so that what was written in another epoch
is never taken for an echo of this one.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from courtesy.ground.lake.lake import Lake, Table
from courtesy.ground.lake.log import told
from courtesy.ground.ledger import Transaction, named_queries

_QUERIES = named_queries(__file__)
_FILE = "epoch"
_BYTES = 8


@dataclass(frozen=True)
class Landing:
    """How far the ledger knows one table of the lake.

    ``inherited``: the number up to which the lake had it all when the epoch began.
    ``landed``: the version that the epoch's writer had come to, 0 before its first append.
    ``commits``: the version of the table itself then.
    """

    inherited: int = 0
    landed: int = 0
    commits: int = -1


@dataclass(frozen=True)
class Part:
    """One table that the ledger feeds, in the order of numbers that the ledger gives.

    ``former``: the writer's name before there were epochs.
    ``number``: the ledger's number in a writer's version.
    ``explains``: whether the ledger can still tell how the lake came to a version that it does not
        know of: the process died between the lake's commit and the ledger's.
    ``newest``: the greatest number that the ledger has given.
    """

    table: Table
    former: str
    number: Callable[[int], int]
    explains: Callable[[Transaction, int], bool]
    newest: Callable[[Transaction], int]


def writer(table: Table, epoch: str) -> str:
    """The name under which an epoch's appends are noted in the lake."""
    return f"{table.name}-{epoch}"


def epochs(transaction: Transaction) -> Sequence[str]:
    """Every epoch of this ledger, the current one last."""
    return [str(row["epoch"]) for row in transaction.rows(_QUERIES["epochs"])]


def current_writer(transaction: Transaction, table: Table) -> str:
    """The name under which appends to a table are noted now."""
    return writer(table, epochs(transaction)[-1])


def landing(transaction: Transaction, table: Table) -> Landing:
    """What the ledger knows of a table."""
    row = transaction.one(_QUERIES["landing"], lake_table=table.name)
    return Landing(**row) if row else Landing()


def land(transaction: Transaction, table: Table, version: int, commits: int) -> None:
    """Note how far the table has come in this epoch; never back, as after a crash."""
    landed = max(version, landing(transaction, table).landed)
    put_landing(transaction, table, Landing(0, landed, commits))


def put_landing(transaction: Transaction, table: Table, found: Landing) -> None:
    """Keep what is known of a table; what an epoch inherited stays."""
    transaction.run(
        _QUERIES["land"],
        lake_table=table.name,
        inherited=found.inherited,
        landed=found.landed,
        commits=found.commits,
    )


def begin_epoch(
    transaction: Transaction, lake: Lake, inherited: Sequence[tuple[Table, int]], now: datetime
) -> str:
    """A new epoch of the ledger; ``mark_epoch`` tells the lake once this is committed.

    Args:
        transaction: of the ledger.
        lake: what the ledger will belong to.
        inherited: of each table the number up to which the lake has it all.
        now: the present instant.
    """
    epoch = secrets.token_hex(_BYTES)
    transaction.run(_QUERIES["begin_epoch"], epoch=epoch, began_at=now)
    transaction.run(_QUERIES["forget_landings"])
    for table, number in inherited:
        put_landing(transaction, table, Landing(number, 0, lake.commits(table)))
    return epoch


def inherited(transaction: Transaction, lake: Lake, part: Part) -> int:
    """The number up to which the lake has it all, where the two belong together."""
    came = part.number(lake.version(part.table, current_writer(transaction, part.table)))
    return max(came, landing(transaction, part.table).inherited)


def epoch_of(lake: Lake) -> str | None:
    """The epoch that the lake's file names; None where there is no such file."""
    with told(lake.folder):
        try:
            return (lake.folder / _FILE).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None


def mark_epoch(lake: Lake, epoch: str) -> None:
    """Have the lake's file name this epoch, all of it or the one before.

    Raises:
        HomeError: the folder cannot be written.
    """
    with told(lake.folder):
        lake.folder.mkdir(parents=True, exist_ok=True)
        draft = lake.folder / f".{_FILE}-{epoch}"
        _write(draft, epoch)
        draft.replace(lake.folder / _FILE)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
