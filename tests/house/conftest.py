"""The files of the house."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Every file that git keeps, as far as it is there, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def sources(root: Path, tracked: list[Path]) -> list[Path]:
    """The modules of the product."""
    return [root / path for path in tracked if path.parts[0] == "src" and path.suffix == ".py"]
