"""What every channel promises."""

from collections.abc import Sequence
from typing import Protocol

from courtesy.stages.messages.model import Delivery, Letter, Receipt


class Record(Protocol):
    """Where a channel notes what it gives out of its hands, so that a crash can be told from it."""

    async def record(self, letter: Letter) -> None:
        """Note that the last byte of a letter is about to leave.

        Raises:
            HomeError: it cannot be noted, so the letter must not leave.
        """
        ...

    def answer(self, receipt: Receipt) -> None:
        """Note what the provider said."""
        ...


class Channel(Protocol):
    """Hands letters to a provider."""

    async def deliver(self, letters: Sequence[Letter], record: Record) -> Delivery:
        """Hand n letters over; returns at most n receipts in any order.

        Whatever goes wrong stands in the answer: nothing is raised and nothing is tried twice. Each
        letter is recorded when all of it but the end has left; only one that was recorded can have
        been taken, and only one that was sent to its end and not answered is ``uncertain``. A
        provider that cannot be used is no letter's fault: those that are left have no receipt.
        """
        ...

    async def close(self) -> None:
        """Take leave of the provider; a later ``deliver`` finds it again."""
        ...
