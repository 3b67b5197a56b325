"""Shares as people write them."""

import pytest

from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.shares import percent


@pytest.mark.parametrize(
    ("text", "share"),
    [("0%", 0.0), ("10%", 0.1), (" 2.5 % ", 0.025), ("100%", 1.0)],
)
def test_a_number_and_a_percent_sign_is_a_share(text: str, share: float) -> None:
    assert percent(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["10", 10, 0.1, "", "%", "-1%", "101%", "nan%", "ten%", None])
def test_anything_else_is_refused_with_what_was_found(text: object) -> None:
    with pytest.raises(InputError, match="such as 10%; found"):
        percent(text)
