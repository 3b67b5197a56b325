"""The channel ``email``: SMTP over several connections that are used again."""

import asyncio
from collections import deque
from collections.abc import Sequence

from courtesy.ground.primitives.errors import CourtesyError, DeliveryError
from courtesy.stages.messages.channels.contract import Record
from courtesy.stages.messages.channels.smtp import Line, Said, SmtpServer
from courtesy.stages.messages.model import Delivery, Letter, Receipt, ReceiptKind

_MOST_DOUBTED = 10
"""So many doubtful refusals in a row are the server's, whatever it took before."""


class Email:
    """Hands letters to one mail server."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._lines: list[Line] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._trusted = False

    async def deliver(self, letters: Sequence[Letter], record: Record) -> Delivery:
        """Hand n letters to the mail server; returns a receipt of each that was handed over.

        When no connection can be used any more, or the server refuses every letter alike, the
        letters that are left have none.
        """
        place = f"{self._server.host}:{self._server.port}"
        batch = _Batch(letters, record, place, trusted=self._trusted)
        lines = self._open_lines()[: len(letters)]
        await asyncio.gather(*(batch.work(line) for line in lines))
        self._trusted = batch.trusted
        return batch.delivery()

    async def close(self) -> None:
        """Take leave of the mail server."""
        lines, self._lines = self._lines, []
        if self._loop is asyncio.get_running_loop():
            await asyncio.gather(*(line.close() for line in lines))

    def _open_lines(self) -> list[Line]:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or not self._lines:
            self._loop = loop
            self._lines = [Line(self._server) for _ in range(self._server.connections)]
        return self._lines


class _Batch:
    """Letters that several connections share.

    A refusal that does not say that it is the letter's is doubted until the server takes another:
    then it is the letter's. Where it takes none, it is the server's.
    """

    def __init__(
        self, letters: Sequence[Letter], record: Record, place: str, *, trusted: bool
    ) -> None:
        self.trusted = trusted
        self._place = place
        self._waiting = deque(letters)
        self._record = record
        self._receipts: list[Receipt] = []
        self._doubted: list[Receipt] = []
        self._trouble = ""

    async def work(self, line: Line) -> None:
        """Send what waits, until nothing does or the connection or the server is of no use."""
        while self._waiting and len(self._doubted) < _MOST_DOUBTED:
            letter = self._waiting.popleft()
            try:
                said = await line.send(letter, self._record)
            except CourtesyError as error:
                self._trouble = _reason(error)
                self._waiting.append(letter)
                return
            self._hear(said)
            if said.receipt.kind == ReceiptKind.UNCERTAIN:
                self._trouble = said.receipt.detail
                return

    def delivery(self) -> Delivery:
        """What became of the letters."""
        trouble = self._trouble
        if len(self._doubted) >= _MOST_DOUBTED or not self._may_be_the_letters():
            trouble = trouble or self._doubted[-1].detail
        if not trouble:
            return Delivery([*self._receipts, *self._doubted])
        failure = f"The mail server {self._place} cannot be used: {trouble}"
        return Delivery(self._receipts, failure, [one.message_id for one in self._doubted])

    def _hear(self, said: Said) -> None:
        self._record.answer(said.receipt)
        if said.doubtful:
            self._doubted.append(said.receipt)
            return
        if said.receipt.kind == ReceiptKind.ACCEPTED:
            self.trusted = True
            self._receipts += self._doubted
            self._doubted = []
        self._receipts.append(said.receipt)

    def _may_be_the_letters(self) -> bool:
        """A server that never took a letter is not believed when it refuses one for no address."""
        bounces = all(one.kind == ReceiptKind.BOUNCED for one in self._doubted)
        return self.trusted or bounces


def _reason(error: CourtesyError) -> str:
    return error.detail if isinstance(error, DeliveryError) else error.message
