"""The demo's home: made fresh each time, and never in place of somebody's own."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from courtesy.doors.demo.truth import Truth
from courtesy.ground.primitives.errors import HomeError

_NOTE = "demo.json"


@dataclass(frozen=True)
class Note:
    """What was simulated in a demo home: how much, until when, and the true effects."""

    people: int
    days: int
    seed: int
    end: datetime
    truths: Sequence[Truth] = ()


def clear(home: Path) -> None:
    """Make room for a demo.

    Raises:
        HomeError: the folder holds something else than an earlier demo, or cannot be emptied.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        if not (home / _NOTE).is_file():
            detail = "It is not a demo's; choose another folder with --home."
            raise HomeError(detail, place=str(home))
        _remove(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(f"{error.strerror}.", place=str(home)) from error


def put_note(home: Path, note: Note) -> None:
    """Say in a home what was simulated in it."""
    (home / _NOTE).write_bytes(msgspec.json.encode(note))


def note_of(home: Path) -> Note | None:
    """What was simulated in a home; None where it is no demo's.

    Raises:
        HomeError: its note is not of this version.
    """
    path = home / _NOTE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note) if path.is_file() else None
    except msgspec.MsgspecError as error:
        detail = f"Another version simulated this ({error}); make the demo again."
        raise HomeError(detail, place=str(path)) from None


def effects(note: Note | None) -> Mapping[str, float]:
    """The true effect of each journey and test of a demo; empty where it is not known."""
    truths = note.truths if note else ()
    return {truth.name: truth.effect for truth in truths if truth.people}


def _remove(home: Path) -> None:
    try:
        shutil.rmtree(home)
    except OSError as error:
        raise HomeError(f"{error.strerror}.", place=str(error.filename)) from error
