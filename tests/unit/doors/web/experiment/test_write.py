from pathlib import Path

import pytest

from courtesy.doors.web.experiment import Findings, write
from courtesy.ground.primitives.errors import InputError


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.html", b"<!DOCTYPE html>"),
        ("a.PNG", b"\x89PNG"),
        ("a.b.svg", b"<?xml"),
    ],
)
def test_the_suffix_says_what_is_written(
    findings: Findings, tmp_path: Path, name: str, start: bytes
) -> None:
    write(findings, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["a.pdf", "report", "png"])
def test_other_suffixes_are_refused(findings: Findings, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.html, \.svg, \.png") as refused:
        write(findings, tmp_path / name)
    assert refused.value.place == str(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_an_error_with_a_place(
    findings: Findings, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="It cannot be written: No such file"):
        write(findings, tmp_path / "absent" / "a.html")
