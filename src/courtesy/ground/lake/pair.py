"""Whether a ledger and a lake belong together, before anything is written to either.

The process may have died between the lake's commit and the ledger's: then the lake is one append
ahead, the ledger can tell which, and the next append finds it there. Anything else is an older or
another ledger beside this lake, or an older or another lake beside this ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from courtesy.ground.lake.epoch import (
    Part,
    begin_epoch,
    epoch_of,
    epochs,
    landing,
    mark_epoch,
    writer,
)
from courtesy.ground.lake.lake import Lake
from courtesy.ground.ledger import Ledger, Transaction
from courtesy.ground.primitives.errors import PairError

_ADVICE = "Nothing was accepted. Put back what belongs together, or run: courtesy repair"


@dataclass(frozen=True)
class Mismatch:
    """Why the two do not belong together; ``lacking`` where the lake has less than it should."""

    reason: str
    lacking: bool = False


_STRANGE = Mismatch("The lake belongs to another ledger", lacking=True)
_LATER = Mismatch("The lake belongs to another ledger, or to a later time of this one")


def settle_pair(ledger: Ledger, lake: Lake, parts: Sequence[Part], now: datetime) -> None:
    """Let a home go on, whose ledger and lake belong together; an old home gets its first epoch.

    Raises:
        PairError: they do not belong together, and why.
        HomeError: one of them cannot be read.
    """
    with ledger.read() as transaction:
        known = epochs(transaction)
        settled = bool(known) and not mismatch(transaction, lake, parts)
    if settled and epoch_of(lake) == known[-1]:
        return
    with ledger.write() as transaction:
        found = mismatch(transaction, lake, parts)
        if found:
            raise PairError(f"{found.reason}. {_ADVICE}", place=str(lake.folder.parent))
        if not epochs(transaction):
            inherited = [(part.table, lake.version(part.table, part.former)) for part in parts]
            begin_epoch(transaction, lake, inherited, now)
        current = epochs(transaction)[-1]
    mark_epoch(lake, current)


def mismatch(transaction: Transaction, lake: Lake, parts: Sequence[Part]) -> Mismatch | None:
    """Why the two do not belong together; None where they do.

    The ledger is looked at first: whoever appends meanwhile makes the lake newer, never older.
    """
    known = epochs(transaction)
    named = epoch_of(lake)
    if named is not None and named not in known:
        return _LATER if known else _STRANGE
    found = (_mismatch_of(transaction, lake, part, known) for part in parts)
    return next(filter(None, found), None)


def _mismatch_of(
    transaction: Transaction, lake: Lake, part: Part, known: Sequence[str]
) -> Mismatch | None:
    ahead = Mismatch(f"The lake holds {part.table.name} that this ledger knows nothing of")
    if not known:
        came = lake.version(part.table, part.former)
        return ahead if came > part.newest(transaction) else None
    stands = landing(transaction, part.table)
    came = lake.version(part.table, writer(part.table, known[-1]))
    if came < stands.landed or lake.commits(part.table) < stands.commits:
        return Mismatch(f"The lake lacks {part.table.name} that this ledger knows of", lacking=True)
    if came == 0 and stands.commits < 0 and epoch_of(lake) is None and lake.files(part.table):
        return _STRANGE
    return ahead if came > stands.landed and not part.explains(transaction, came) else None
