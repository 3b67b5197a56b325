import smtplib
from collections.abc import Iterator

import pytest

from courtesy.doors.demo.postbox import Postbox

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


def test_a_letter_arrives_as_it_was_sent_and_is_taken_out_once(postbox: Postbox) -> None:
    send(postbox, "ada.1@post.example")
    [letter] = postbox.empty()
    assert letter.to == "ada.1@post.example"
    assert letter.content.startswith(b"Subject: Hello")
    assert postbox.empty() == []


def test_a_mailbox_that_is_gone_is_refused_for_good(postbox: Postbox) -> None:
    assert code_of(postbox, "ada.1@gone.example") == 550
    assert code_of(postbox, "ada.1@gone.example") == 550
    assert postbox.empty() == []


def test_a_busy_host_takes_the_second_try(postbox: Postbox) -> None:
    assert code_of(postbox, "ada.1@busy.example") == 451
    send(postbox, "ada.1@busy.example")
    assert [letter.to for letter in postbox.empty()] == ["ada.1@busy.example"]
