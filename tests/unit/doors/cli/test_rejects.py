"""Why rows were refused is said, and too many of them make an import fail."""

import pytest

from courtesy.doors.cli.rejects import Reasons, too_many
from courtesy.ground.primitives.errors import InputError


def test_reasons_that_differ_in_what_was_found_are_one() -> None:
    reasons = Reasons()
    for line, found in enumerate(["x", "y", "z"], start=2):
        reasons.add(f"amount is not a number; found {found!r}.", line)
    first = reasons.first()[0]
    assert (first.count, first.line) == (3, 2)


def test_a_limit_is_a_number_or_a_share() -> None:
    assert [too_many(n, 10) for n in (0, 5, 6)] == [False, False, True]
    assert [too_many(n, 10, "2") for n in (2, 3)] == [False, True]
    with pytest.raises(InputError):
        too_many(0, 0, "few")
