"""What a reader sees of an error."""

import pytest

from courtesy.ground.primitives.errors import CourtesyError, DefinitionError, HomeError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (HomeError(), "The home folder cannot be used."),
        (HomeError("It is full."), "The home folder cannot be used. It is full."),
        (
            DefinitionError("It is empty.", place="a.yaml:1"),
            "a.yaml:1: This definition is not valid. It is empty.",
        ),
    ],
)
def test_the_message_says_where_what_and_what_would_be_right(
    error: CourtesyError, message: str
) -> None:
    assert error.message == str(error) == message
