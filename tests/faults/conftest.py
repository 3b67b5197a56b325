"""A disk that is soon full."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]
    mount = [*rights, "mount", "-t", "tmpfs", "-o", f"size=2m,uid={os.geteuid()}", "tmpfs"]
    made = subprocess.run([*mount, str(folder)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        absent = f"A small disk needs the right to mount one: {made.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{absent}; in CI nothing may be skipped")
        pytest.skip(absent)
    try:
        yield folder
    finally:
        subprocess.run([*rights, "umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def take_all_space() -> Callable[[Path], Path]:
    """Fills the disk of a folder; returns the file that does."""

    def take(folder: Path) -> Path:
        filler = folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        return filler

    return take
