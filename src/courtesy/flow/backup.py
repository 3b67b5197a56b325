"""A home kept in a folder or one file, with a manifest by which every byte of it is checked."""

import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import msgspec
from pydantic import SecretStr

from courtesy.app import App, Settings, open_app, open_parts
from courtesy.flow.copy import begin_anew, check_empty, copy_home
from courtesy.ground.lake.epoch import epoch_of
from courtesy.ground.primitives.clock import Clock
from courtesy.ground.primitives.errors import DataError, HomeError, InputError
from courtesy.stages.events import EVENTS
from courtesy.stages.profiles import store as profiles_store

_MANIFEST = "manifest.json"
_FORMAT = 1
_PACKED = {".tar": "w", ".tgz": "w:gz", ".gz": "w:gz"}
_COUNT = "SELECT count(*) AS n FROM events"


class File(msgspec.Struct):
    """One file of a backup: its path in it, its length and its SHA-256."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct):
    """What a backup holds; ``made_at`` is RFC 3339, ``courtesy`` the version that made it."""

    format: int
    courtesy: str
    made_at: str
    epoch: str
    people: int
    events: int
    files: list[File]


def back_up(app: App, into: Path) -> Manifest:
    """Keep a home, also while it is served: ledger and lake of one moment, and the secret.

    Args:
        app: the home.
        into: a folder that is not there, or a file ending in .tar, .tar.gz or .tgz.

    Raises:
        InputError: there is something already.
        HomeError: the ledger is none of SQLite, or a disk is full.
    """
    into = into.absolute()
    if into.suffix in _PACKED and into.exists():
        raise InputError("There is such a file already.", place=str(into))
    check_empty(into)
    with _draft(into) as draft:
        copy_home(app, draft)
        manifest = _described(app, draft)
        (draft / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        _put(draft, into)
    return manifest


def restore(backup: Path, home: Path, clock: Clock, settings: Settings | None = None) -> Manifest:
    """Make a home of a backup, once every byte of it is as it was; a new epoch begins.

    Args:
        backup: what ``back_up`` made.
        home: a folder that is empty or not there.
        clock: tells the present.
        settings: the surroundings; the ledger's URL must not be set.

    Raises:
        DataError: it is no backup, or not whole.
        InputError: the home is not empty.
        PairError: ledger and lake do not belong together.
        HomeError: a disk is full.
    """
    if (settings or Settings()).ledger_url.get_secret_value():
        raise InputError("A backup holds its own ledger: restore without COURTESY_LEDGER_URL.")
    home = home.absolute()
    check_empty(home)
    with _draft(home) as draft:
        _unpack(backup, draft)
        manifest = _checked(draft, backup)
        app = open_app(draft, clock=clock, settings=_own_ledger(draft))
        try:
            begin_anew(app)
        finally:
            app.close()
        _put(draft, home)
    return manifest


@contextmanager
def _draft(beside: Path) -> Iterator[Path]:
    """A folder that becomes what stands beside it, or vanishes."""
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{beside.name}-", dir=beside.parent) as folder:
            yield Path(folder) / "home"
    except OSError as error:
        raise HomeError(f"{error.strerror or error}.", place=str(beside)) from error


def _put(draft: Path, into: Path) -> None:
    """Have the disk keep all of it, and give it its name, in one step."""
    for path in _files(draft):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if into.suffix in _PACKED:
        packed = draft.with_name("packed")
        handle = os.open(packed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as file:
            with tarfile.open(fileobj=file, mode=_PACKED[into.suffix]) as archive:  # type: ignore[call-overload]
                archive.add(draft, arcname=".")
            os.fsync(file.fileno())
        packed.rename(into)
    else:
        draft.chmod(0o700)
        draft.rename(into)


def _described(app: App, draft: Path) -> Manifest:
    copy = open_parts(draft, clock=app.clock, settings=_own_ledger(draft))
    try:
        with copy.ledger.read() as transaction:
            people = profiles_store.count(transaction)
        events = copy.engine.query(_COUNT, tables=[EVENTS], frames={}).item()
        epoch = epoch_of(copy.lake)
    finally:
        copy.close()
    made_at = app.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    files = [_file(draft, path) for path in _files(draft)]
    return Manifest(_FORMAT, version("courtesy"), made_at, str(epoch), people, events, files)


def _own_ledger(draft: Path) -> Settings:
    return Settings(ledger_url=SecretStr(f"sqlite:///{draft / 'ledger.db'}"))


def _unpack(backup: Path, draft: Path) -> None:
    if backup.is_dir():
        shutil.copytree(backup, draft)
        return
    try:
        with tarfile.open(backup) as archive:
            archive.extractall(draft, filter="data")
    except (FileNotFoundError, tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError("It is no backup, or is cut off.", place=str(backup)) from error


def _checked(draft: Path, backup: Path) -> Manifest:
    """What the manifest says, where every file is there, no other is, and each is as it was."""
    try:
        manifest = msgspec.json.decode((draft / _MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise DataError("It has no manifest that can be read.", place=str(backup)) from error
    (draft / _MANIFEST).unlink()
    said = {file.path: file for file in manifest.files}
    there = {file.path: file for file in (_file(draft, path) for path in _files(draft))}
    odd = sorted(path for path in said.keys() | there if said.get(path) != there.get(path))
    if odd:
        why = "is not as it was kept" if odd[0] in there else "is missing"
        raise DataError(f"{odd[0]} {why}; {len(odd):,} files in all.", place=str(backup))
    (draft / "secret").chmod(0o600)
    return manifest


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _file(draft: Path, path: Path) -> File:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.relative_to(draft).as_posix(), path.stat().st_size, found)
