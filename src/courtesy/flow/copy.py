"""A home as it stands at one moment, in another folder, while it is served."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

from courtesy.app import PARTS, App
from courtesy.ground.lake import Lake
from courtesy.ground.lake.copy import copy_data, copy_log
from courtesy.ground.lake.epoch import begin_epoch, epochs, inherited, mark_epoch
from courtesy.ground.primitives.errors import HomeError, InputError


def copy_home(app: App, into: Path) -> None:
    """Copy ledger, lake and secret into a folder, which is then a home that belongs together.

    Others go on writing meanwhile; they wait only while the logs of the lake are copied. The copy
    has the epoch of the original: ``begin_anew`` on it before it is written to.

    Args:
        app: the home.
        into: a folder that is empty or not there.

    Raises:
        InputError: the folder holds something.
        HomeError: the ledger is none of SQLite, or a disk is full.
    """
    check_empty(into)
    try:
        (into / "lake").mkdir(parents=True, exist_ok=True)
        _copy_secret(app.home / "secret", into / "secret")
        with ExitStack() as open_snapshot:
            with app.ledger.write() as transaction:
                current = epochs(transaction)[-1]
                snapshot = open_snapshot.enter_context(app.ledger.snapshot())
                files = [copy_log(app.lake, part.table, into / "lake") for part in PARTS]
            snapshot.copy(into / "ledger.db")
        for table in files:
            copy_data(app.lake, table, into / "lake")
    except OSError as error:
        raise HomeError(f"{error.strerror}.", place=str(into)) from error
    mark_epoch(Lake(into / "lake"), current)


def begin_anew(app: App) -> None:
    """Let a copy of a home go its own way: from now on, neither takes the other's for its own."""
    with app.ledger.write() as transaction:
        known = [(part.table, inherited(transaction, app.lake, part)) for part in PARTS]
        epoch = begin_epoch(transaction, app.lake, known, app.clock.now())
    mark_epoch(app.lake, epoch)


def check_empty(folder: Path) -> None:
    """See that a folder can take a home.

    Raises:
        InputError: it holds something, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("It is a file, not a folder.", place=str(folder))
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            "The folder is not empty; choose one that is not there.", place=str(folder)
        )


def _copy_secret(source: Path, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, source.open("rb") as secret:
        shutil.copyfileobj(secret, file)
