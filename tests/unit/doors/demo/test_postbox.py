import smtplib
from collections.abc import Iterator

import pytest

from courtesy.doors.demo.postbox import Postbox
from courtesy.ground.primitives.errors import DeliveryError

SENDER = "hello@quillberry.example"


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with Postbox() as opened:
        yield opened


def send(postbox: Postbox, to: str) -> None:
    with smtplib.SMTP("127.0.0.1", postbox.port) as server:
        server.sendmail(SENDER, to, "Subject: Hello\r\n\r\nText")


def code_of(postbox: Postbox, to: str) -> int:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(postbox, to)
    return refused.value.recipients[to][0]


def test_letters_arrive_as_they_were_sent_and_in_order(postbox: Postbox) -> None:
    for to in ("ada.1@post.example", "ben.2@letters.example"):
        send(postbox, to)
    first, second = postbox.take(2)
    assert (first.to, second.to) == ("ada.1@post.example", "ben.2@letters.example")
    assert first.content == b"Subject: Hello\r\n\r\nText\r\n"


def test_a_mailbox_that_is_gone_is_refused_for_good(postbox: Postbox) -> None:
    assert code_of(postbox, "ada.1@gone.example") == 550
    assert code_of(postbox, "ada.1@gone.example") == 550


def test_a_busy_host_takes_the_second_try(postbox: Postbox) -> None:
    assert code_of(postbox, "ada.1@busy.example") == 451
    send(postbox, "ada.1@busy.example")
    assert [letter.to for letter in postbox.take(1)] == ["ada.1@busy.example"]


def test_a_letter_that_does_not_come_is_missed(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courtesy.doors.demo.postbox._PATIENCE", 0.01)
    with pytest.raises(DeliveryError, match="lost"):
        postbox.take(1)


def test_the_server_ends_with_the_block() -> None:
    with Postbox() as closing:
        send(closing, "ada.1@post.example")
        port = closing.port
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", port)
