"""As of when figures are told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand

from courtesy.doors.cli.moment import as_of
from courtesy.doors.demo.home import Note, put_note
from courtesy.ground.primitives.errors import InputError

END = datetime(2026, 3, 14, tzinfo=UTC)
EARLIER = datetime(2026, 3, 9, 12, tzinfo=UTC)


def context(home: Path) -> typer.Context:
    found = typer.Context(TyperCommand("courtesy"))
    found.params = {"home": str(home)}
    return found


def test_a_simulation_is_told_as_of_its_end(tmp_path: Path) -> None:
    put_note(tmp_path, Note(10, 2, 1, END))
    clock = as_of(context(tmp_path))
    assert clock is not None
    assert clock.now() == END


def test_a_real_home_is_told_as_of_now(tmp_path: Path) -> None:
    assert as_of(context(tmp_path)) is None


def test_whoever_names_a_moment_gets_that_one(tmp_path: Path) -> None:
    put_note(tmp_path, Note(10, 2, 1, END))
    clock = as_of(context(tmp_path), "2026-03-09T12:00:00Z")
    assert clock is not None
    assert clock.now() == EARLIER
    with pytest.raises(InputError, match="yesterday"):
        as_of(context(tmp_path), "yesterday")
