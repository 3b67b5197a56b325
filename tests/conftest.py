"""What many tests share: an ordinary letter; the public data, and where it is absent."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from courtesy.stages.messages import Letter
from courtesy.stages.messages.journal import Journal
from courtesy.stages.messages.policy import Sender

IN_CI = os.environ.get("CI") == "true"
# A slow machine is no failure, and what fails in CI fails again.
settings.register_profile("courtesy", deadline=None, derandomize=IN_CI)
settings.load_profile("courtesy")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _found(folder: Path) -> Path:
    if folder.exists():
        return folder
    if IN_CI:
        pytest.fail(f"{folder} is absent, and in CI nothing may be skipped")
    pytest.skip(f"{folder} is absent")


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The folder of a public data set beside the project, by name."""
    return lambda name: _found(SHARED / "data" / name)


@pytest.fixture(scope="session")
def protocols() -> Callable[[str], Path]:
    """A file of recorded or specified protocols beside the project, by its path there."""
    return lambda name: _found(SHARED / "protocols" / name)


@pytest.fixture(scope="session")
def field() -> Callable[[str], Path]:
    """A folder or file of cases from the field beside the project, by its path there."""
    return lambda name: _found(SHARED / "field" / name)


@pytest.fixture(scope="session")
def letter() -> Letter:
    """An e-mail like any other."""
    return Letter(
        message_id="0" * 32,
        channel="email",
        address="ana@people.example",
        address_hash="h",
        attempts=0,
        sender=Sender(name="Brand", address="hello@brand.example"),
        subject="Hello",
        html="<p>Hello</p>",
        text="Hello",
        unsubscribe_url="https://brand.example/u/tok.en",
        written_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Where a channel records what it hands over."""
    opened = Journal(tmp_path / "flight" / "worker.journal")
    opened.open()
    yield opened
    opened.close(settled=True)
