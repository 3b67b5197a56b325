"""What every channel promises."""

from collections.abc import Sequence
from typing import Protocol

from courtesy.stages.messages.model import Letter, Receipt


class Channel(Protocol):
    """Hands letters to a provider."""

    async def deliver(self, letters: Sequence[Letter]) -> Sequence[Receipt]:
        """Hand n letters over; returns n receipts in any order.

        Whatever goes wrong is a receipt: nothing is raised, nothing is tried twice, and a letter
        that the provider may have taken is ``uncertain``.
        """
        ...

    async def close(self) -> None:
        """Take leave of the provider; a later ``deliver`` finds it again."""
        ...
