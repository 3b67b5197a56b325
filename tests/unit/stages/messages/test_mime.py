import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.primitives.line import is_one_line, one_line
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


NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=120
).filter(is_one_line)
LETTERS = "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 کتاب‌های ශ්‍රී \u200f\u05e9\u05dc\u05d5\u05dd\u200e 50\u00a0%"
SENDERS = [
    "株式会社サンプルコーヒー お客様サポートセンター 渋谷本店 会員窓口",
    "Café\u00a0Ana",
    "کتاب‌های تازه",
    'The "Brand", Inc. (Paris) <new>',
    "Brand @ Home; Ltd. \\",
    "=?utf-8?q?x?=",
    "A Brand With A Name That Is Longer Than One Line Of A Header May Ever Be In Any Mail",
    LETTERS,
]


def _sound(content: bytes) -> None:
    """Encoded words of at most 75 characters, in lines of 76, each whole in itself (RFC 2047)."""
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    for line in head.split("\r\n"):
        words = re.findall(r"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=", line)
        assert not words or len(line) <= 76
        for word in words:
            assert len(word) <= 75
            ((raw, charset),) = decode_header(word)
            assert isinstance(raw, bytes)
            assert charset == "utf-8"
            raw.decode("utf-8")


@pytest.mark.parametrize("name", SENDERS)
def test_a_sender_s_name_arrives_in_encoded_words_of_the_right_length(
    letter: Letter, name: str
) -> None:
    written = replace(letter, sender=Sender(name=name, address="hello@brand.example"))
    _sound(compose(written))
    assert _read(compose(written))[:2] == (name, "hello@brand.example")


@given(name=NAMES, subject=NAMES)
def test_every_name_and_subject_arrives_in_sound_headers(
    letter: Letter, name: str, subject: str
) -> None:
    sender = Sender(name=name, address=f"{'hello' * 8}@{'brand' * 6}.example")
    written = replace(letter, sender=sender, subject=one_line(subject))
    content = compose(written)
    _sound(content)
    assert _read(content) == (sender.name, sender.address, written.subject)


def _read(content: bytes) -> tuple[str, str, str]:
    """Name, address and subject, by the older parser: ``default`` of Python 3.11 and 3.12 leaves
    the space between two encoded words of a name, against RFC 2047, 6.2."""
    raw = message_from_bytes(content, policy=compat32)
    name, address = parseaddr(_unfolded(raw["From"]))
    return _decoded(name), address, _decoded(_unfolded(raw["Subject"]))


def _decoded(header: str) -> str:
    return str(make_header(decode_header(header)))


def _unfolded(header: str) -> str:
    return header.replace("\r\n", "").replace("\n", "")


def test_a_long_plain_subject_is_folded_and_arrives(letter: Letter) -> None:
    subject = "Your  order summary " * 30 + "end"
    written = replace(letter, subject=subject)
    assert parsed(written)["Subject"] == subject
    lines = compose(written).partition(b"\r\nDate")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 78


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
