"""A table of the lake as it stands at one moment, in another folder.

Files of data never change, and stay for an hour after others replaced them, so only the log has to
be copied while nobody else commits what the ledger must know of.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from courtesy.ground.lake.lake import Lake, Table
from courtesy.ground.lake.log import told

_LOG = "_delta_log"


def copy_log(lake: Lake, table: Table, into: Path) -> Sequence[Path]:
    """Copy the log of a table up to its newest version; returns the files of data that it names.

    Args:
        lake: what to copy from.
        table: which of its tables.
        into: the folder of the other lake.

    Raises:
        HomeError: one of the folders cannot be read or written.
    """
    newest, files = lake.newest(table)
    log = Path(table.name) / _LOG
    with told(into):
        for name in _names(lake.folder / log, newest):
            _copy(lake.folder / log / name, into / log / name)
    return [path.relative_to(lake.folder) for path in files]


def copy_data(lake: Lake, files: Sequence[Path], into: Path) -> None:
    """Copy files of data, which ``copy_log`` named.

    Raises:
        HomeError: one of the folders cannot be read or written.
    """
    with told(into):
        for path in files:
            _copy(lake.folder / path, into / path)


def _names(log: Path, newest: int) -> Iterator[str]:
    """The commits and checkpoints up to a version; what only points to the last one is left out."""
    if newest >= 0:
        for path in log.iterdir():
            number = path.name.partition(".")[0]
            if number.isdigit() and int(number) <= newest:
                yield path.name


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
