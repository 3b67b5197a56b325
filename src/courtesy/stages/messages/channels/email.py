"""The channel ``email``: SMTP over several connections that are used again."""

import asyncio
from collections import deque
from collections.abc import Sequence

from courtesy.ground.primitives.errors import DeliveryError
from courtesy.stages.messages.channels.smtp import Line, SmtpServer
from courtesy.stages.messages.model import Letter, Receipt, ReceiptKind


class Email:
    """Hands letters to one mail server."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._lines: list[Line] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def deliver(self, letters: Sequence[Letter]) -> Sequence[Receipt]:
        """Hand n letters to the mail server; returns n receipts.

        When no connection can be used any more, the letters that are left are deferred.
        """
        batch = _Batch(letters)
        lines = self._open_lines()[: len(letters)]
        await asyncio.gather(*(batch.work(line) for line in lines))
        return batch.finished()

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
    """Letters that several connections share."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        self._waiting = deque(letters)
        self._receipts: list[Receipt] = []
        self._trouble = ""

    async def work(self, line: Line) -> None:
        """Send what waits, until nothing does or the connection is of no use."""
        while self._waiting:
            letter = self._waiting.popleft()
            try:
                self._receipts.append(await line.send(letter))
            except DeliveryError as error:
                self._trouble = error.detail
                self._waiting.append(letter)
                return

    def finished(self) -> Sequence[Receipt]:
        """The receipts; letters that are left could not be sent now."""
        left = [
            Receipt(one.message_id, ReceiptKind.DEFERRED, self._trouble) for one in self._waiting
        ]
        return [*self._receipts, *left]
