"""An SMTP session after its opening: commands in, replies out, several at once where allowed.

aiosmtplib opens the connection, with TLS and login; it knows no pipelining (RFC 2920), and every
exchange that is saved is a quarter of what a letter costs.
"""

import asyncio
from dataclasses import dataclass

from aiosmtplib import SMTP

_LONGEST_REPLY = 32_768
_CODE_LENGTH = 3
_POSITIVE = range(200, 400)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says to one command (RFC 5321, 4.2)."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Whether the server does what it was told."""
        return self.code in _POSITIVE

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Session(asyncio.Protocol):
    """Takes over an open connection."""

    def __init__(self, client: SMTP) -> None:
        transport = client.transport
        if not isinstance(transport, asyncio.Transport) or transport.is_closing():
            raise ConnectionError("The connection was lost.")
        self._client = client
        self._transport = transport
        self._pipelining = client.supports_extension("pipelining")
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=0)

    @property
    def alive(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return not self._transport.is_closing()

    async def envelope(self, *commands: bytes, seconds: float) -> list[Reply]:
        """The replies to commands, up to the first negative one where they go one by one.

        Raises:
            ConnectionError: the connection was lost.
            TimeoutError: a reply took longer than ``seconds``.
        """
        if self._pipelining:
            return await self.ask(*commands, seconds=seconds)
        replies: list[Reply] = []
        for command in commands:
            replies += await self.ask(command, seconds=seconds)
            if not replies[-1].positive:
                break
        return replies

    async def ask(self, *commands: bytes, seconds: float) -> list[Reply]:
        """One reply to each command, which are sent together; errors as for ``envelope``."""
        self._check_alive()
        self._replies, self._wanted = [], len(commands)
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(b"".join(command + b"\r\n" for command in commands))
        try:
            async with asyncio.timeout(seconds):
                await self._waiter
        except TimeoutError:
            raise TimeoutError(f"No reply within {seconds:g} seconds.") from None
        finally:
            self._waiter = None
        return self._replies

    async def write(self, data: bytes, *, seconds: float) -> None:
        """Send bytes that nothing is said to, and wait until they have left; errors as above."""
        self._check_alive()
        self._transport.write(data)
        if not self._drained.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._drained.wait()
            except TimeoutError:
                raise TimeoutError(f"Not taken within {seconds:g} seconds.") from None
        self._check_alive()

    def pause_writing(self) -> None:
        """The system takes no more for now."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Everything has left."""
        self._drained.set()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Read replies; what nobody asked for is dropped."""
        if self._waiter is None:
            return
        self._buffer += data
        *lines, rest = self._buffer.split(b"\r\n")
        self._buffer = rest
        for line in lines:
            self._line(line.decode("utf-8", "replace"))
        if len(self._buffer) + sum(map(len, self._lines)) > _LONGEST_REPLY:
            self._fail("The reply is too long.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._drained.set()
        self._fail(str(exc or "The connection was lost."))

    def _check_alive(self) -> None:
        if not self.alive:
            raise ConnectionError("The connection was lost.")

    def _line(self, line: str) -> None:
        self._lines.append(line[_CODE_LENGTH + 1 :])
        if line[_CODE_LENGTH : _CODE_LENGTH + 1] == "-":
            return
        if not line[:_CODE_LENGTH].isdecimal():
            self._fail("The reply is not SMTP.")
            return
        self._replies.append(Reply(int(line[:_CODE_LENGTH]), " ".join(self._lines)))
        self._lines = []
        if len(self._replies) == self._wanted and self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, said: str) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(ConnectionError(said))
        self._transport.close()
