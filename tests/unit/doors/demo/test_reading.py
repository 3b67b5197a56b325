from datetime import UTC, datetime

import numpy as np
import pytest

from courtesy.doors.demo.people import People, draw
from courtesy.doors.demo.postbox import Letter
from courtesy.doors.demo.reading import Readers, Reading, addresses
from courtesy.doors.demo.zones import clocks
from courtesy.ground.primitives.errors import NotFoundError

START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 400
SUBJECTS = ("Welcome", "Your basket")
PAGE = """Content-Type: multipart/alternative; boundary="b"
Subject: Welcome, Ada
List-Unsubscribe: <https://mail.example/u/token>, <mailto:people@mail.example>

--b
Content-Type: text/plain; charset=utf-8

Text
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body><a style=3D"x" href=3D"https://mail.example/c/one.two?a=3D1&amp;b=3D2">Go</a>
<img src=3D"https://mail.example/o/abc" width=3D"1"></body></html>
--b--
"""


@pytest.fixture(scope="module")
def people() -> People:
    return draw(4_000, 1, np.random.default_rng(5))


def readers(people: People) -> Readers:
    return Readers(people, clocks(START, 0, HOURS), np.random.default_rng(6))


def letters(people: People, subject: str = "Welcome, you") -> list[Letter]:
    content = f"Subject: {subject}\r\n\r\n".encode()
    return [Letter(address, content) for address in people.email.drop_nulls()]


def opened(reader: Readers) -> list[tuple[int, Reading]]:
    return [(hour, reading) for hour in range(HOURS + 48) for reading in reader.at(hour)]


def test_a_letter_shows_its_picture_its_link_and_its_way_out() -> None:
    found = addresses(Letter("ada@post.example", PAGE.replace("\n", "\r\n").encode()))
    assert found.pixel == "https://mail.example/o/abc"
    assert found.link == "https://mail.example/c/one.two?a=1&b=2"
    assert found.unsubscribe == "https://mail.example/u/token"


def test_a_letter_without_links_has_none() -> None:
    found = addresses(Letter("ada@post.example", b"Subject: Hello\r\n\r\nText"))
    assert (found.pixel, found.link, found.unsubscribe) == (None, None, None)


def test_the_subject_says_which_kind_it_is_and_an_unknown_one_is_refused(people: People) -> None:
    reader = readers(people)
    reader.receive(letters(people, "Your basket is here"), 0, SUBJECTS)
    assert {reading.kind for _, reading in opened(reader)} == {1}
    with pytest.raises(NotFoundError, match="Lottery"):
        readers(people).receive(letters(people, "Lottery"), 0, SUBJECTS)


def test_the_more_letters_the_fewer_are_opened_and_the_more_people_leave(people: People) -> None:
    rested, tired = readers(people), readers(people)
    rested.receive(letters(people), 8, SUBJECTS)
    for hour in range(9):
        tired.receive(letters(people), hour, SUBJECTS)
    first = [reading for _, reading in opened(rested)]
    last = [reading for _, reading in opened(tired)]
    assert 0.3 < len(first) / len(people) < 0.8
    assert len(last) / 9 < 0.6 * len(first)
    assert sum(one.leaves for one in last) / len(last) > 2 * sum(one.leaves for one in first) / len(
        first
    )


def test_a_rest_makes_letters_welcome_again(people: People) -> None:
    tired, rested = readers(people), readers(people)
    for reader in (tired, rested):
        for _ in range(5):
            reader.receive(letters(people), 0, SUBJECTS)
        opened(reader)
    tired.receive(letters(people), 0, SUBJECTS)
    rested.receive(letters(people), 380, SUBJECTS)
    assert len(opened(rested)) > 1.3 * len(opened(tired))


def test_nobody_opens_a_letter_before_it_came_or_while_they_sleep(people: People) -> None:
    reader = readers(people)
    reader.receive(letters(people), 30, SUBJECTS)
    shown = clocks(START, 0, HOURS)
    for hour, reading in opened(reader):
        assert hour > 30
        local = shown.hour(people.zone[[reading.person]], hour)[0]
        assert local >= 7 or hour >= HOURS


def test_a_stranger_reads_nothing(people: People) -> None:
    reader = readers(people)
    reader.receive([Letter("nobody@post.example", b"Subject: Welcome\r\n\r\n")], 0, SUBJECTS)
    assert opened(reader) == []
