"""A real mail server on this machine, in a process of its own, whose post the people read."""

import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from queue import Empty, Queue
from types import TracebackType
from typing import BinaryIO, Self, cast

from courtesy.doors.demo import mail_server
from courtesy.doors.demo.mail_server import FRAME
from courtesy.ground.primitives.errors import DeliveryError

_HOST = "127.0.0.1"
_PATIENCE = 30.0
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Letter:
    """One mail as it arrived: to whom, and the bytes of the message."""

    to: str
    content: bytes


class Postbox:
    """The server and the letters it has taken; open it with ``with``."""

    def __init__(self) -> None:
        self._letters: Queue[Letter] = Queue()
        self._socket = socket.create_server((_HOST, 0))
        self.port = int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        descriptor = self._socket.fileno()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", mail_server.__name__, str(descriptor)],
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
        )
        self._thread = threading.Thread(target=self._collect, name="postbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        self._socket.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://{_HOST}:{self.port}"

    def take(self, number: int) -> list[Letter]:
        """The next letters, so many, whichever connection was the faster; the server has them.

        Raises:
            DeliveryError: the server lost one.
        """
        try:
            taken = [self._letters.get(timeout=_PATIENCE) for _ in range(number)]
        except Empty:
            raise DeliveryError("The demo's mail server lost a letter.", place=self.url) from None
        return sorted(taken, key=lambda letter: (letter.to, _message_id(letter)))

    def _collect(self) -> None:
        pipe = cast("BinaryIO", self._process.stdout)
        with pipe:
            while len(frame := pipe.read(FRAME.size)) == FRAME.size:
                to, content = FRAME.unpack(frame)
                self._letters.put(Letter(pipe.read(to).decode(), pipe.read(content)))


def _message_id(letter: Letter) -> bytes:
    found = _MESSAGE_ID.search(letter.content)
    return found[1] if found else b""
