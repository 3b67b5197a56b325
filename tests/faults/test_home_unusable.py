"""A folder that cannot be a home."""

from pathlib import Path

import pytest

from courtesy.app import make_home, open_app
from courtesy.ground.primitives.errors import HomeError


def test_a_file_is_no_home(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("something else")
    with pytest.raises(HomeError, match=r"home: .* It is a file, not a folder\."):
        make_home(file)
    assert file.read_text() == "something else"


def test_a_folder_without_a_home_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=f"courtesy --home {tmp_path} init"):
        open_app(tmp_path)
