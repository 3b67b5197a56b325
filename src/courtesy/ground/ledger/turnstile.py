"""Turns of writers of one file: nobody takes two in a row while somebody waits.

SQLite's own lock goes to whoever happens to look first when it is let go, and who waited long looks
seldom. So a writer first stands in front of the gate, alone, until the one inside has left; who
left has to go to the end of the queue. The locks are the kernel's, tell threads
apart as they do processes, and end with their process.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

_LOOK_EVERY = 0.001


@contextmanager
def turn(file: Path, wait: float) -> Iterator[None]:
    """Hold the turn for ``file`` in the block.

    Args:
        file: what is written to; ``-queue`` and ``-turn`` stand beside it.
        wait: how many seconds to wait for it at most.

    Raises:
        TimeoutError: the turn did not come in time.
        OSError: the folder cannot be written.
    """
    deadline = time.monotonic() + wait
    queue = _lock(file.with_name(f"{file.name}-queue"), deadline)
    try:
        inside = _lock(file.with_name(f"{file.name}-turn"), deadline)
    finally:
        os.close(queue)
    try:
        yield
    finally:
        os.close(inside)


def _lock(path: Path, deadline: float) -> int:
    """A handle that has the lock, until it is closed."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _wait(handle, deadline)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _wait(handle: int, deadline: float) -> None:
    while True:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            time.sleep(_LOOK_EVERY)
        else:
            return
