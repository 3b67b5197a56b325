import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.line import is_one_line, one_line

GONE = {"Cc", "Cs", "Zl", "Zp"}
JOINED = "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 کتاب‌های ශ්‍රී \u200f\u05e9\u05dc\u05d5\u05dd\u200e 50\u00a0% Stra\u00adße"


def test_what_joins_and_directs_letters_stays() -> None:
    assert one_line(JOINED) == JOINED
    assert is_one_line(JOINED)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hi\r\nBcc: eve@x.example\r\n\r\nbody", "Hi Bcc: eve@x.example body"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("a\x00b\x1b[1mc\x7fd\x9fe\ud83d", "ab[1mcde"),
        ("  two\n  lines\n", "two lines"),
        ("a  b\u3000c", "a  b\u3000c"),
    ],
)
def test_breaks_become_spaces_and_controls_go(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text(st.characters()))
def test_nothing_else_goes(text: str) -> None:
    def kept(given: str) -> list[str]:
        return [one for one in given if one != " " and unicodedata.category(one) not in GONE]

    line = one_line(text)
    assert kept(line) == kept(text)
    assert not any(unicodedata.category(one) in GONE for one in line)


@pytest.mark.parametrize("text", ["", "  ", "\u00a0", "\u200c", "a\nb", "a\tb", "a\u2028b"])
def test_what_is_no_line(text: str) -> None:
    assert not is_one_line(text)


def test_the_subjects_of_the_field(field: Callable[[str], Path]) -> None:
    expected = json.loads((field("subjects") / "expected.json").read_text(encoding="utf-8"))
    for name, text in expected.items():
        breaks = name in {"s10-injection", "s16-tabs"}
        assert (one_line(text) == text) is not breaks, name
