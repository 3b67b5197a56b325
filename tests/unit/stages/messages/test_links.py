import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.messages.links import LinkKind, Links, Ticket

LINKS = Links(b"k" * 32, "https://b.example/")
TARGETS = st.text(st.characters(codec="utf-8"), max_size=200)


def token(url: str) -> str:
    return url.rpartition("/")[2]


@given(target=TARGETS.filter(bool))
def test_a_token_says_what_was_put_in(target: str) -> None:
    url = LINKS.clicked("0" * 32, target)
    assert url.startswith("https://b.example/c/")
    assert LINKS.read(LinkKind.CLICK, token(url)) == Ticket("0" * 32, target)


@given(st.data())
def test_a_token_with_one_other_letter_says_nothing(data: st.DataObject) -> None:
    good = token(LINKS.clicked("0" * 32, "https://x.example/offer"))
    at = data.draw(st.integers(0, len(good) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != good[at]))
    with pytest.raises(NotFoundError):
        LINKS.read(LinkKind.CLICK, good[:at] + letter + good[at + 1 :])


@given(st.text(max_size=100))
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(NotFoundError):
        LINKS.read(LinkKind.OPEN, text)


def test_a_token_is_of_one_kind_and_one_home() -> None:
    opened = token(LINKS.opened("0" * 32))
    assert LINKS.read(LinkKind.OPEN, opened) == Ticket("0" * 32)
    with pytest.raises(NotFoundError):
        LINKS.read(LinkKind.UNSUBSCRIBE, opened)
    with pytest.raises(NotFoundError):
        Links(b"o" * 32, "https://b.example").read(LinkKind.OPEN, opened)


def test_the_target_of_a_link_cannot_be_exchanged() -> None:
    good = token(LINKS.clicked("0" * 32, "https://x.example"))
    other = token(Links(b"o" * 32, "").clicked("0" * 32, "https://evil.example"))
    forged = ".".join([*good.split(".")[:2], other.split(".")[2]])
    with pytest.raises(NotFoundError):
        LINKS.read(LinkKind.CLICK, forged)


def test_nothing_shows_the_secret() -> None:
    assert "kkk" not in repr(LINKS)
