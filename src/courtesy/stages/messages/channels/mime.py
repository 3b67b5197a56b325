"""A letter as an Internet message (RFC 5322, 2045-2047), with one-click unsubscription (RFC 8058).

Written out by hand, since ``email.message`` needs several times as long as everything else that
happens to a letter.
"""

import re
from binascii import b2a_qp
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import lru_cache

from courtesy.stages.messages.model import Letter
from courtesy.stages.messages.policy import Sender

_NEWLINES = re.compile(r"\r\n?")
_PLAIN_SUBJECT = 900
_PLAIN_NAME = 60
_LONGEST_LINE = 76
_FOLD = re.compile(r"(?=.{68})(.{1,66}\S)(?= \S)")
_PART = (
    b"--%b\r\nContent-Type: text/%b; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
)


def compose(letter: Letter) -> bytes:
    """The message as it goes over the wire, with CRLF, before dot-stuffing.

    The same letter is always the same bytes; its Message-ID is made of ``message_id``.
    """
    boundary = f"=_{letter.message_id}".encode()
    head = "\r\n".join(_headers(letter)).encode("ascii")
    return b"".join(
        (
            head,
            b'\r\nContent-Type: multipart/alternative; boundary="%b"\r\n\r\n' % boundary,
            _PART % (boundary, b"plain", _quoted(letter.text)),
            _PART % (boundary, b"html", _quoted(letter.html)),
            b"--%b--\r\n" % boundary,
        )
    )


def _headers(letter: Letter) -> list[str]:
    sender = letter.sender
    reply = sender.reply_to or sender.address
    token = letter.unsubscribe_url.rpartition("/")[2]
    return [
        _from(sender),
        f"To: {letter.address}",
        *([f"Reply-To: {sender.reply_to}"] if sender.reply_to else []),
        f"Subject: {_subject(letter.subject)}",
        f"Date: {format_datetime(letter.written_at)}",
        f"Message-ID: <{letter.message_id}@{sender.address.rpartition('@')[2]}>",
        f"List-Unsubscribe: <{letter.unsubscribe_url}>,",
        f" <mailto:{reply}?subject=unsubscribe%20{token}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
    ]


@lru_cache(maxsize=64)
def _from(sender: Sender) -> str:
    if _plain(sender.name, _PLAIN_NAME):
        name = formataddr((sender.name, "")).removesuffix(" <>")
    else:
        name = _encoded(sender.name, "From")
    head, address = f"From: {name}", f"<{sender.address}>"
    last = len(head) - head.rfind("\n") - 1
    fits = last + 1 + len(address) <= _LONGEST_LINE
    return f"{head} {address}" if fits else f"{head}\r\n {address}"


def _subject(text: str) -> str:
    if _plain(text, _PLAIN_SUBJECT):
        return _FOLD.sub(r"\1\r\n", text)
    return _encoded(text, "Subject")


def _encoded(text: str, header: str) -> str:
    """Encoded words that are folded as RFC 2047, 2 asks, each with whole letters (5)."""
    folded = Header(text, "utf-8", maxlinelen=_LONGEST_LINE, header_name=header)
    return folded.encode(linesep="\r\n")


def _plain(text: str, longest: int) -> bool:
    return text.isascii() and len(text) <= longest and "=?" not in text


def _quoted(text: str) -> bytes:
    lines = _NEWLINES.sub("\n", text).encode(errors="ignore")  # a surrogate is no letter
    return b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")
