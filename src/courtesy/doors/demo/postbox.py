"""A real mail server on this machine, whose post the simulated people read.

It answers as servers do: one host has no such mailbox, another asks to try again later.
"""

import asyncio
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP

from courtesy.doors.demo.people import BUSY, GONE

_HOST = "127.0.0.1"
_NO_SUCH_MAILBOX = "550 5.1.1 No such mailbox"
_TRY_LATER = "451 4.7.1 Too busy; try again in a while"


@dataclass(frozen=True)
class Letter:
    """One mail as it arrived: to whom, and the bytes of the message."""

    to: str
    content: bytes


@dataclass
class _Handler:
    letters: list[Letter] = field(default_factory=list)
    delayed: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Any,  # noqa: ANN401 - untyped
        envelope: Any,  # noqa: ANN401 - untyped
        address: str,
        _options: list[str],
    ) -> str:
        if address.endswith(f"@{GONE}"):
            return _NO_SUCH_MAILBOX
        if address.endswith(f"@{BUSY}") and address not in self.delayed:
            self.delayed.add(address)
            return _TRY_LATER
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 - same
        self.letters += [Letter(address, envelope.content) for address in envelope.rcpt_tos]
        return "250 OK"


class Postbox:
    """The server, in a thread of its own; open it with ``with``."""

    def __init__(self) -> None:
        self._handler = _Handler()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postbox", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://{_HOST}:{self.port}"

    def empty(self) -> list[Letter]:
        """Take out what has arrived since the last time."""
        letters, self._handler.letters = self._handler.letters, []
        return letters

    async def _listen(self) -> int:
        self._server = await self._loop.create_server(
            lambda: SMTP(self._handler, loop=self._loop, hostname=_HOST), _HOST, 0
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        for task in asyncio.all_tasks():
            if task is not mine:
                task.cancel()
