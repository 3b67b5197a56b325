"""A mail server as a program of its own: ``python -m courtesy.doors.demo.mail_server DESCRIPTOR``.

It listens on a socket that it is given, and writes every letter to its standard output: two lengths
of four bytes, then the receiver and the message.
"""

import asyncio
import socket
import sys
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, BinaryIO

from aiosmtpd.smtp import SMTP

from courtesy.doors.demo.hosts import BUSY, GONE

FRAME = Struct(">II")
_NO_SUCH_MAILBOX = "550 5.1.1 No such mailbox"
_TRY_LATER = "451 4.7.1 Too busy; try again in a while"
_OK = "250 OK"


@dataclass
class _Desk:
    out: BinaryIO
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
        return _OK

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 - same
        for address in envelope.rcpt_tos:
            to = address.encode()
            self.out.write(FRAME.pack(len(to), len(envelope.content)) + to + envelope.content)
        self.out.flush()
        return _OK


async def serve(listening: socket.socket, out: BinaryIO) -> None:
    """Take mail in until the program is ended."""
    desk, loop = _Desk(out), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(desk, loop=loop, hostname="localhost"), sock=listening
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.stdout.buffer))
