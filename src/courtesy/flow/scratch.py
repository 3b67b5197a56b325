"""A home for a replay: a copy that lives in virtual time, and never in place of the one in use."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from courtesy.app import App, open_parts
from courtesy.flow.copy import begin_anew, copy_home
from courtesy.flow.halt import stop_all
from courtesy.ground.ledger import progress
from courtesy.ground.primitives.errors import HomeError, InputError
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import store as messages_store

REPLAY = "replay"
_NOTE = "virtual.json"


@dataclass(frozen=True)
class VirtualTime:
    """Where a home stands that lives in virtual time."""

    now: datetime


def virtual_time(home: Path) -> VirtualTime | None:
    """The note of a home that lives in virtual time; None of one that lives in ours."""
    path = home / _NOTE
    return msgspec.json.decode(path.read_bytes(), type=VirtualTime) if path.is_file() else None


def note_time(home: Path, now: datetime) -> None:
    """Say in a home where its virtual time stands."""
    (home / _NOTE).write_bytes(msgspec.json.encode(VirtualTime(now)))


def make_scratch(app: App, into: Path, start: datetime) -> None:
    """Copy a home for a replay: its history, people and definitions, and nobody under way.

    Args:
        app: the home in use, which is not touched.
        into: a folder that is not there or empty.
        start: where virtual time begins.

    Raises:
        InputError: the folder holds something.
        HomeError: the ledger cannot be copied, or a disk is full.
    """
    copy_home(app, into)
    shutil.rmtree(into / "lake" / EXPOSURES.name, ignore_errors=True)
    copy = open_parts(into, settings=app.settings)
    try:
        with copy.ledger.write() as transaction:
            journeys_store.clear(transaction)
            messages_store.clear(transaction)
            experiments_store.clear_exposures(transaction)
            progress.forget(transaction, REPLAY)
        begin_anew(copy)
    finally:
        copy.close()
    note_time(into, start)


def remove_scratch(home: Path) -> None:
    """Undo a replay as a whole.

    Raises:
        HomeError: the folder is no home that a replay made.
    """
    if virtual_time(home) is None:
        raise HomeError("No replay made it, so it is not removed.", place=str(home))
    shutil.rmtree(home)


def leave_virtual_time(app: App) -> tuple[int, int]:
    """Let a replay's home live in our time: who is inside leaves, what waits is recalled.

    Returns:
        How many people left, and how many messages were recalled.

    Raises:
        InputError: the home lives in our time already.
    """
    if virtual_time(app.home) is None:
        raise InputError("This home lives in our time already.", place=str(app.home))
    halted = stop_all(app)
    (app.home / _NOTE).unlink()
    return halted
