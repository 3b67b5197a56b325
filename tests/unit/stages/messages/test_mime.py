from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.stages.messages.channels.mime import compose
from courtesy.stages.messages.model import Letter
from courtesy.stages.messages.policy import Sender


def parsed(letter: Letter) -> EmailMessage:
    message = message_from_bytes(compose(letter), policy=default)
    assert isinstance(message, EmailMessage)
    assert all(not part.defects for part in message.walk())
    return message


def test_the_headers_of_a_letter(letter: Letter) -> None:
    sender = Sender(name="Brand, Inc.", address="hello@brand.example")
    message = parsed(replace(letter, message_id="ab" * 16, sender=sender))
    assert dict(message.items()) == {
        "From": '"Brand, Inc." <hello@brand.example>',
        "To": "ana@people.example",
        "Subject": "Hello",
        "Date": "Wed, 04 Mar 2026 12:00:00 +0000",
        "Message-ID": f"<{'ab' * 16}@brand.example>",
        "List-Unsubscribe": "<https://brand.example/u/tok.en>,"
        " <mailto:hello@brand.example?subject=unsubscribe%20tok.en>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="=_{"ab" * 16}"',
    }


def test_answers_go_where_the_sender_wants_them(letter: Letter) -> None:
    sender = Sender(name="Brand", address="hello@brand.example", reply_to="team@brand.example")
    message = parsed(replace(letter, sender=sender))
    assert message["Reply-To"] == "team@brand.example"
    assert "<mailto:team@brand.example?" in message["List-Unsubscribe"]


@pytest.mark.parametrize(
    "subject",
    ["Grüße aus Köln", "プレゼント" * 20, "=?utf-8?q?x?=", "x" * 2_000, "a b " * 99 + "a"],
)
def test_every_subject_arrives(letter: Letter, subject: str) -> None:
    assert parsed(replace(letter, subject=subject))["Subject"] == subject


def test_a_name_in_other_letters_arrives(letter: Letter) -> None:
    sender = Sender(name="Größe 東京", address="hello@brand.example")
    message = parsed(replace(letter, sender=sender))
    assert message["From"] == "Größe 東京 <hello@brand.example>"


OTHER_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
BODIES = st.text(st.characters(codec="utf-8", exclude_characters=OTHER_BREAKS))


@given(text=BODIES, html=BODIES)
def test_both_parts_arrive_whole_in_lines_that_smtp_allows(
    letter: Letter, text: str, html: str
) -> None:
    written = replace(letter, text=text, html=html)
    content = compose(written)
    message = parsed(written)
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    for kind, body in (("plain", text), ("html", html)):
        part = message.get_body(kind)
        assert part is not None
        assert _lines(part.get_content()) == _lines(body)
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    assert content.endswith(b"\r\n")
    assert content.isascii()


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
