"""What one worker has claimed of the outbox and not yet settled.

It outlives a settlement that fails: what became of the messages stays here until the ledger has it,
and nothing more is claimed meanwhile.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from courtesy.stages.messages.deliver import recovered_outcomes
from courtesy.stages.messages.journal import Journal, remove, take_over
from courtesy.stages.messages.model import OUTCOMES

_NAME_BYTES = 8


@dataclass(frozen=True)
class Abandoned:
    """What another worker left: ``OUTCOMES`` of what it handed over.

    The rest never left, or, where its journal is not to be found (not ``journaled``), may have.
    """

    outcomes: pl.DataFrame
    journaled: bool


class Flight:
    """One worker's claims.

    ``folder`` holds the journals of all workers of the home; ``together`` is how many letters are
    at providers at once.
    """

    def __init__(self, folder: Path, *, together: int = 1) -> None:
        self.open = False
        self._folder, self._together = folder, together
        self._outcomes: list[pl.DataFrame] = []
        self._name()

    def begin(self) -> None:
        """Get ready to claim.

        Raises:
            HomeError: the home cannot be written.
        """
        if self.journal.is_lost():  # taken over while nothing was claimed, or for too long
            self.journal.close(settled=False)
            self._name()
        self.journal.open()
        self.open = True

    def _name(self) -> None:
        self.worker = secrets.token_hex(_NAME_BYTES)
        self.journal = Journal(_journal(self._folder, self.worker), together=self._together)

    def keep(self, *outcomes: pl.DataFrame) -> None:
        """Keep ``OUTCOMES`` rows until they are settled."""
        self._outcomes += outcomes

    def outcomes(self, now: datetime) -> pl.DataFrame:
        """What is to be settled: what was kept, and what was handed over and is not among it."""
        kept = pl.concat([pl.DataFrame(schema=OUTCOMES), *self._outcomes])
        others = recovered_outcomes(self.journal.hand_overs(), now)
        return pl.concat([kept, others.join(kept, on="message_id", how="anti")])

    def end(self) -> None:
        """All that was claimed is settled."""
        self._outcomes = []
        self.journal.clear()
        self.open = False

    def close(self) -> None:
        """Let go of the journal; what is not settled is found there by another worker."""
        self.journal.close(settled=not self.open)

    def abandoned(self, worker: str, now: datetime, *, expired: bool) -> Abandoned | None:
        """What another worker left, or None while it lives.

        Args:
            worker: whose claims they are.
            now: when it is found.
            expired: its lease has run out.

        Raises:
            HomeError: the home cannot be read.
        """
        try:
            found = take_over(_journal(self._folder, worker), expired=expired)
        except FileNotFoundError:
            return Abandoned(pl.DataFrame(schema=OUTCOMES), journaled=False) if expired else None
        return None if found is None else Abandoned(recovered_outcomes(found, now), journaled=True)

    def forget(self, worker: str) -> None:
        """Remove the journal of a worker whose messages were taken over."""
        remove(_journal(self._folder, worker))


def _journal(folder: Path, worker: str) -> Path:
    return folder / f"{worker}.journal"
