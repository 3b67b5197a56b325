"""One connection to a mail server: letters in, receipts out.

A reply says whose fault it is (RFC 5321, 4.2; RFC 3463; RFC 4954, 4): 4xx passes, 5xx to the
receiver's address is that address, every other 5xx is not. A letter is taken only with the reply
to its end (RFC 5321, 4.2.5 and 6.1); one that is cut before was not delivered.
"""

import platform
import re
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from courtesy.ground.primitives.errors import CourtesyError, DeliveryError, InputError
from courtesy.stages.messages.channels.contract import Record
from courtesy.stages.messages.channels.mime import compose
from courtesy.stages.messages.channels.session import Reply, Session
from courtesy.stages.messages.model import Letter, Receipt, ReceiptKind

_PORTS = {"smtp": 25, "smtps": 465}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_GO_AHEAD = 354
_CLOSING = 421
_PERMANENT = 500
_LOGIN = (530, 534, 535, 538)
_SENDER = 0
_RECIPIENT = 1
_SAFE = re.compile(r"[!-;=?-~]+")
_LONGEST_DETAIL = 500
_STATUS = re.compile(r"^5\.(\d{1,3})\.\d{1,3}\b")
_SYSTEM = re.compile(r"^4\.3\.\d{1,3}\b")
_ADDRESS, _MAILBOX = "1", "2"
_OF_THE_LETTER = (_ADDRESS, _MAILBOX, "6")
_MAILBOX_CODES = (550, 551, 552, 553)


@dataclass(frozen=True)
class SmtpServer:
    """A mail server, and how many connections to it are kept.

    With ``tls`` the connection is encrypted from the first byte; otherwise STARTTLS is used
    wherever it is offered. The certificate is checked when ``tls`` or a ``user`` is given, and a
    password never travels in the clear but on this machine. One reply may take
    ``reply_seconds``; the one to a whole letter ``letter_seconds`` (RFC 5321, 4.5.3.2.6).
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    connections: int = 4
    connect_seconds: float = 10.0
    reply_seconds: float = 60.0
    letter_seconds: float = 600.0

    @classmethod
    def from_url(cls, url: str, connections: int = 4) -> "SmtpServer":
        """Of ``smtp://user:password@host:port`` or ``smtps://…``.

        Raises:
            InputError: it is not such a URL, or there would be no connection.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise InputError("A mail server looks like smtp://mail.example:587.") from None
        if not parts.hostname or connections < 1:
            raise InputError("A mail server has a host and at least one connection.")
        secret = unquote(parts.password) if parts.password else None
        user = unquote(parts.username) if parts.username else None
        return cls(parts.hostname, port, parts.scheme == "smtps", user, secret, connections)


@dataclass(frozen=True, slots=True)
class Said:
    """A receipt, and whether it may be the server's fault rather than the letter's."""

    receipt: Receipt
    doubtful: bool = False


class Line:
    """A connection that is opened when it is needed, and again when the server hangs up."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._session: Session | None = None

    async def send(self, letter: Letter, record: Record) -> Said:
        """Hand one letter over.

        Raises:
            DeliveryError: the server cannot be used now; the letter was not handed over.
            HomeError: it could not be recorded, so it was not handed over.
        """
        try:
            commands, content = _commands(letter), compose(letter)
        except ValueError as error:
            return Said(_receipt(letter, ReceiptKind.REJECTED, str(error)))
        reused = self._session is not None and self._session.alive
        session = await self._opened()
        try:
            return await self._hand_over(session, letter, commands, content, record)
        except TimeoutError as error:
            self._drop()
            raise DeliveryError(str(error)) from None
        except OSError as error:
            self._drop()
            if reused:
                return await self.send(letter, record)
            return Said(_receipt(letter, ReceiptKind.DEFERRED, str(error)), doubtful=True)
        except CourtesyError:
            self._drop()
            raise

    async def close(self) -> None:
        """Take leave of the server."""
        if self._session:
            with suppress(OSError):
                await self._session.ask(b"QUIT", seconds=self._server.connect_seconds)
        self._drop()

    async def _opened(self) -> Session:
        if self._session is None or not self._session.alive:
            self._drop()
            try:
                self._session = await _connected(self._server)
            except (SMTPException, OSError, ValueError) as error:
                raise DeliveryError(_said(error)) from None
        return self._session

    async def _hand_over(
        self,
        session: Session,
        letter: Letter,
        commands: tuple[bytes, ...],
        content: bytes,
        record: Record,
    ) -> Said:
        replies = await session.envelope(*commands, seconds=self._server.reply_seconds)
        refusal = next((at for at, reply in enumerate(replies) if not reply.positive), None)
        if refusal is None:
            return await self._finished(session, letter, content, record)
        reply = replies[refusal]
        if reply.code == _CLOSING:
            raise ConnectionError(str(reply))
        await self._reset(session, replies)
        if refusal == _SENDER or reply.code in _LOGIN:
            raise DeliveryError(str(reply))
        return _refused(letter, reply, to_address=refusal == _RECIPIENT)

    async def _finished(
        self, session: Session, letter: Letter, content: bytes, record: Record
    ) -> Said:
        """Send the content, record the letter, send its end and wait.

        From the end on the server may have taken the letter.
        """
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        await session.write(stuffed, seconds=self._server.letter_seconds)
        await record.record(letter)
        if not session.alive:
            raise ConnectionError("The connection was lost.")
        try:
            (reply,) = await session.ask(b".", seconds=self._server.letter_seconds)
        except OSError as error:
            self._drop()
            return Said(_receipt(letter, ReceiptKind.UNCERTAIN, str(error)))
        if reply.positive:
            return Said(_receipt(letter, ReceiptKind.ACCEPTED, reply.text))
        return _refused(letter, reply, to_address=False)

    async def _reset(self, session: Session, replies: list[Reply]) -> None:
        """Get ready for the next letter; a server may wait for content that is not to come."""
        waiting = replies[-1].code == _GO_AHEAD
        try:
            await session.ask(b"." if waiting else b"RSET", seconds=self._server.reply_seconds)
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._session:
            self._session.close()
        self._session = None


async def _connected(server: SmtpServer) -> Session:
    client = SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        local_hostname=platform.node() or "localhost",
        timeout=server.connect_seconds,
        use_tls=server.tls,
        start_tls=True if _guarded(server) else None,
        validate_certs=server.tls or server.user is not None,
    )
    await client.connect()
    try:
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        return Session(client)
    except (SMTPException, OSError):
        client.close()
        raise


def _guarded(server: SmtpServer) -> bool:
    return server.user is not None and not server.tls and server.host not in _THIS_MACHINE


def _commands(letter: Letter) -> tuple[bytes, ...]:
    sender, receiver = letter.sender.address, letter.address
    if not _SAFE.fullmatch(sender) or not _SAFE.fullmatch(receiver):
        raise ValueError(f"SMTP cannot carry this address: {receiver!r:.80}.")
    return f"MAIL FROM:<{sender}>".encode(), f"RCPT TO:<{receiver}>".encode(), b"DATA"


def kind_of(code: int, message: str, *, to_address: bool) -> ReceiptKind:
    """What a reply means that refuses a letter.

    Args:
        code: its number.
        message: its text, which may begin with an enhanced status code.
        to_address: whether it answers to the receiver's address.
    """
    if code < _PERMANENT:
        return ReceiptKind.DEFERRED
    status = _STATUS.match(message)
    if status:
        blamed = (_ADDRESS, _MAILBOX) if to_address else (_ADDRESS,)
        return ReceiptKind.BOUNCED if status[1] in blamed else ReceiptKind.REJECTED
    bounced = to_address and code in _MAILBOX_CODES
    return ReceiptKind.BOUNCED if bounced else ReceiptKind.REJECTED


def _refused(letter: Letter, reply: Reply, *, to_address: bool) -> Said:
    kind = kind_of(reply.code, reply.text, to_address=to_address)
    return Said(_receipt(letter, kind, str(reply)), doubtful=_is_doubtful(kind, reply))


def _is_doubtful(kind: ReceiptKind, reply: Reply) -> bool:
    """Whether a refusal may be meant for all letters: it does not name the address or the letter.

    RFC 3463, 3: 5.1 and 5.2 are about addresses and mailboxes, 5.6 about content, 4.3 about the
    server.
    """
    if kind == ReceiptKind.DEFERRED:
        return reply.code == _CLOSING or _SYSTEM.match(reply.text) is not None
    status = _STATUS.match(reply.text)
    return status is None or status[1] not in _OF_THE_LETTER


def _receipt(letter: Letter, kind: ReceiptKind, detail: str) -> Receipt:
    return Receipt(letter.message_id, kind, " ".join(detail.split())[:_LONGEST_DETAIL])


def _said(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
