"""Ids as pure functions of what they name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.ids import digest, keyed_digest, same

PLAIN = st.text(alphabet=st.characters(codec="utf-8"))
AWKWARD = st.text(alphabet="\x1e\x1fa")
PARTS = st.lists(PLAIN | AWKWARD, min_size=1)
KEYS = st.binary(min_size=16, max_size=64)


@given(PARTS)
def test_an_id_is_32_hexadecimal_digits(parts: list[str]) -> None:
    assert re.fullmatch("[0-9a-f]{32}", digest(*parts))
    assert digest(*parts) == digest(*parts)


@given(PARTS, PARTS)
def test_other_parts_have_another_id(one: list[str], two: list[str]) -> None:
    assert (digest(*one) == digest(*two)) == (one == two)


@given(st.lists(AWKWARD, min_size=1, max_size=3), st.lists(AWKWARD, min_size=1, max_size=3))
def test_no_part_can_pretend_to_be_two(one: list[str], two: list[str]) -> None:
    assert (digest(*one) == digest(*two)) == (one == two)


def test_ids_stay_the_same_for_ever() -> None:
    assert digest("person", "user_id", "ana") == "55426d4350b1068374d217e8b93165ca"
    assert keyed_digest(b"k" * 32, "ana@brand.example") == "a320d683f9f66a5aa83880ca0c1c9db7"


@given(KEYS, KEYS, PARTS)
def test_another_key_gives_another_id(one: bytes, two: bytes, parts: list[str]) -> None:
    assert (keyed_digest(one, *parts) == keyed_digest(two, *parts)) == (one == two)
    assert keyed_digest(one, *parts) != digest(*parts)


@pytest.mark.parametrize(("left", "right"), [("a", "a"), ("a", "b"), ("", "a"), ("ä", "ä")])
def test_comparing(left: str, right: str) -> None:
    assert same(left, right) == (left == right)
