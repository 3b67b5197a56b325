"""The journal of one worker: which letters it gave out of its hands, and what came back.

A letter is recorded before the last byte of it leaves, so that after a crash everything that is not
in the journal never left, and what is in it without an answer may have. The file lies in the home,
locked by the worker as long as it lives; its space is taken beforehand, since a write that changes
no file's size costs a disk a fifth of one that does.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import msgspec

from courtesy.ground.primitives.errors import HomeError
from courtesy.stages.messages.model import Letter, Receipt, ReceiptKind

_ROOM = 256 * 1024
_PATIENCE = 0.001
_END = b"\0"


@dataclass(frozen=True, slots=True)
class HandOver:
    """A letter whose last byte was about to leave, and the provider's answer, if it came."""

    message_id: str
    channel: str
    address_hash: str
    attempts: int
    kind: ReceiptKind | None = None
    detail: str = ""


class Journal:
    """One worker's journal, opened when it is first needed.

    A write waits until ``together`` letters are recorded, or for a millisecond: a disk takes as
    long for one as for several.
    """

    def __init__(self, path: Path, *, together: int = 1) -> None:
        self.path = path
        self._file: int | None = None
        self._place = 0
        self._unwritten: list[bytes] = []
        self._together = together
        self._gathered = 0
        self._group: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._known: dict[str, HandOver] = {}

    def open(self) -> None:
        """Make the file and lock it; does nothing where that is done.

        Raises:
            HomeError: the home cannot be written.
        """
        if self._file is None:
            try:
                self._file = _made(self.path)
            except OSError as error:
                raise _home_error(error, self.path) from error

    def is_lost(self) -> bool:
        """Whether another worker has taken over what this one claims."""
        if self._file is None:
            return False
        # In this order: where both were removed meanwhile, the second look finds it.
        return _taken(self.path).exists() or not self.path.exists()

    @property
    def is_open(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    async def record(self, letter: Letter) -> None:
        """Note that a letter is about to leave; it may, as soon as this returns.

        Letters that are recorded at the same time share one write to the disk.

        Raises:
            HomeError: the disk is full, or another worker has taken this one's messages over.
        """
        known = HandOver(letter.message_id, letter.channel, letter.address_hash, letter.attempts)
        self._unwritten.append(_line(known))
        await asyncio.shield(self._gather())
        self._known[letter.message_id] = known

    def answer(self, receipt: Receipt) -> None:
        """Note what came back of a letter that was recorded; it is written with the next one."""
        before = self._known.get(receipt.message_id)
        if before is not None:
            answered = replace(before, kind=receipt.kind, detail=receipt.detail)
            self._known[receipt.message_id] = answered
            self._unwritten.append(_line(answered))

    def hand_overs(self) -> Sequence[HandOver]:
        """What was recorded since the last ``clear``."""
        return list(self._known.values())

    def clear(self) -> None:
        """Begin anew: what was recorded is settled."""
        self._unwritten, self._known, self._place = [], {}, 0
        if self._file is not None:
            with suppress(OSError):  # an old entry is of no message that is claimed
                os.pwrite(self._file, _END, 0)

    def close(self, *, settled: bool) -> None:
        """Let go of the file, and remove it where all is ``settled``."""
        if self._file is None:
            return
        with suppress(OSError):
            if settled:
                self.path.unlink()
            elif self._unwritten:
                self._write(b"".join(self._unwritten))
        os.close(self._file)
        self._file = None

    def _gather(self) -> asyncio.Future[None]:
        """The write of this letter and of those that are recorded with it."""
        loop = asyncio.get_running_loop()
        if self._group is None:
            self._group = loop.create_future()
            self._timer = loop.call_later(_PATIENCE, self._write_group)
        group, self._gathered = self._group, self._gathered + 1
        if self._gathered >= self._together:
            self._write_group()
        return group

    def _write_group(self) -> None:
        group, self._group, self._gathered = self._group, None, 0
        if self._timer:
            self._timer.cancel()
        if group is None:
            return
        data, self._unwritten = b"".join(self._unwritten), []
        try:
            self._write_checked(data)
        except HomeError as error:
            group.set_exception(error)
        else:
            group.set_result(None)

    def _write_checked(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError as error:
            raise _home_error(error, self.path) from error
        if self.is_lost():
            raise HomeError("Another worker took the messages of this one over.")

    def _write(self, data: bytes) -> None:
        if self._file is None:
            raise HomeError("The journal is not open.", place=str(self.path))
        os.pwrite(self._file, data + _END, self._place)
        self._place += len(data)


def take_over(path: Path, *, expired: bool) -> Sequence[HandOver] | None:
    """What another worker recorded and did not settle, if its messages may be taken.

    They may when it is dead: nobody locks its journal. When its lease ``expired`` they may too,
    since from here on it hands nothing over any more.

    Raises:
        FileNotFoundError: there is no such journal on this machine.
        HomeError: the home cannot be read.
    """
    with path.open("rb") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if not expired:
                return None
            _taken(path).touch()
        return _read(file.read())


def remove(path: Path) -> None:
    """Remove the journal of a worker whose messages were taken over."""
    path.unlink(missing_ok=True)
    _taken(path).unlink(missing_ok=True)


def _read(data: bytes) -> list[HandOver]:
    known: dict[str, HandOver] = {}
    for line in data.partition(_END)[0].splitlines():
        with suppress(msgspec.DecodeError):  # torn: it was never said to be written
            found = msgspec.json.decode(line, type=HandOver)
            known[found.message_id] = found
    return list(known.values())


def _made(path: Path) -> int:
    path.parent.mkdir(exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_DSYNC, 0o600)
    flock(file, LOCK_EX | LOCK_NB)
    os.pwrite(file, _END * _ROOM, 0)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return file


def _taken(path: Path) -> Path:
    return path.with_suffix(".taken")


def _line(hand_over: HandOver) -> bytes:
    return msgspec.json.encode(hand_over) + b"\n"


def _home_error(error: OSError, path: Path) -> HomeError:
    return HomeError(f"{error.strerror}.", place=str(path))
