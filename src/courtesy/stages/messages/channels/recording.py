"""A channel that sends nothing: it keeps what it would have sent, a mailbox for each day."""

import asyncio
import mailbox
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from courtesy.stages.messages.channels.contract import Record
from courtesy.stages.messages.channels.mime import compose
from courtesy.stages.messages.model import Delivery, Letter, Receipt, ReceiptKind


class Recording:
    """Keeps letters as ``FOLDER/2026-03-04.mbox``, by the day on which they were written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def deliver(self, letters: Sequence[Letter], record: Record) -> Delivery:
        """Keep n letters; returns n receipts, all accepted."""
        for letter in letters:
            await record.record(letter)
        await asyncio.to_thread(self._keep, letters)
        receipts = [Receipt(one.message_id, ReceiptKind.ACCEPTED, "kept") for one in letters]
        for receipt in receipts:
            record.answer(receipt)
        return Delivery(receipts)

    async def close(self) -> None:
        """Nothing is open."""

    def _keep(self, letters: Sequence[Letter]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        by_day = sorted(letters, key=lambda one: one.written_at)
        for day, some in groupby(by_day, key=lambda one: f"{one.written_at:%Y-%m-%d}"):
            box = mailbox.mbox(self._folder / f"{day}.mbox")
            try:
                for letter in some:
                    box.add(compose(letter).replace(b"\r\n", b"\n"))
            finally:
                box.close()
