from datetime import UTC, datetime
from pathlib import Path

import pytest

from courtesy.doors.demo.home import Note, clear, effects, note_of, put_note
from courtesy.doors.demo.truth import Truth
from courtesy.ground.primitives.errors import HomeError

END = datetime(2026, 3, 14, tzinfo=UTC)


def test_somebodys_own_folder_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    with pytest.raises(HomeError, match="--home"):
        clear(tmp_path)
    assert (tmp_path / "secret").read_text() == "mine"


def test_an_earlier_demo_makes_room(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    clear(home)
    put_note(home, Note(10, 2, 1, END))
    (home / "ledger.db").write_text("old")
    clear(home)
    assert list(home.iterdir()) == []


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")
    with pytest.raises(HomeError, match="demo"):
        clear(tmp_path / "demo")


def test_a_note_is_read_as_it_was_put(tmp_path: Path) -> None:
    note = Note(10, 2, 1, END, (Truth("welcome", 5, 0.2, 0.3),))
    put_note(tmp_path, note)
    found = note_of(tmp_path)
    assert found is not None
    assert (found.end, list(found.truths)) == (END, list(note.truths))
    assert note_of(tmp_path / "elsewhere") is None


def test_a_note_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"people": 10}')
    with pytest.raises(HomeError, match="make the demo again"):
        note_of(tmp_path)


def test_an_effect_that_concerns_nobody_is_not_told() -> None:
    truths = (Truth("welcome", 5, 0.2, 0.3), Truth("win-back", 0, 0.0, 0.0))
    assert effects(Note(10, 2, 1, END, truths)) == {"welcome": pytest.approx(0.1)}
    assert effects(None) == {}
