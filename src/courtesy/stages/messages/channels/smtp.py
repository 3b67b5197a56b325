"""One connection to a mail server: letters in, receipts out.

A reply says whose fault it is (RFC 5321, 4.2; RFC 3463): 4xx passes, 5xx to the receiver's address
is that address, every other 5xx is not.
"""

import platform
import re
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from courtesy.ground.primitives.errors import DeliveryError, InputError
from courtesy.stages.messages.channels.mime import compose
from courtesy.stages.messages.model import Letter, Receipt, ReceiptKind

_PORTS = {"smtp": 25, "smtps": 465}
_GO_AHEAD = 354
_DONE = 250
_CLOSING = 421
_PERMANENT = 500
_LONGEST_DETAIL = 500
_STATUS = re.compile(r"^5\.(\d{1,3})\.\d{1,3}\b")
_ADDRESS, _MAILBOX = "1", "2"
_MAILBOX_CODES = (550, 551, 552, 553)


@dataclass(frozen=True)
class SmtpServer:
    """A mail server, and how many connections to it are kept.

    With ``tls`` the connection is encrypted from the first byte; otherwise STARTTLS is used
    wherever it is offered. The certificate is checked when ``tls`` or a ``user`` is given. One
    reply may take ``reply_seconds``; the one to a whole letter ``letter_seconds`` (RFC 5321,
    4.5.3.2.6).
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


class Line:
    """A connection that is opened when it is needed, and again when the server hangs up."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._client = self._new()

    async def send(self, letter: Letter) -> Receipt:
        """Hand one letter over.

        Raises:
            DeliveryError: the server cannot be used now; the letter was not handed over.
        """
        reused = self._client.is_connected
        try:
            content = compose(letter)
        except ValueError as error:
            return _receipt(letter, ReceiptKind.REJECTED, str(error))
        await self._open()
        try:
            return await self._hand_over(letter, content)
        except SMTPServerDisconnected as error:
            self._drop()
            if reused:
                return await self.send(letter)
            return _receipt(letter, ReceiptKind.DEFERRED, str(error))
        except (SMTPException, OSError) as error:
            self._drop()
            raise DeliveryError(_said(error)) from None

    async def close(self) -> None:
        """Take leave of the server."""
        if self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=self._server.connect_seconds)
        self._drop()

    async def _open(self) -> None:
        if self._client.is_connected:
            return
        try:
            await self._client.connect()
        except (SMTPException, OSError, ValueError) as error:
            self._drop()
            raise DeliveryError(_said(error)) from None
        self._client.timeout = self._server.reply_seconds

    async def _hand_over(self, letter: Letter, content: bytes) -> Receipt:
        try:
            await self._client.mail(letter.sender.address)
            await self._client.rcpt(letter.address)
            reply = await self._client.execute_command(b"DATA")
        except SMTPResponseException as error:
            to_address = isinstance(error, SMTPRecipientRefused)
            return await self._refused(letter, error.code, error.message, to_address=to_address)
        if reply.code != _GO_AHEAD:
            return await self._refused(letter, reply.code, reply.message, to_address=False)
        return await self._finished(letter, content)

    async def _finished(self, letter: Letter, content: bytes) -> Receipt:
        """Send the content and wait; from here on the server may have taken the letter."""
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        protocol.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        try:
            reply = await protocol.read_response(timeout=self._server.letter_seconds)
        except (SMTPException, OSError) as error:
            self._drop()
            return _receipt(letter, ReceiptKind.UNCERTAIN, _said(error))
        if reply.code == _DONE:
            return _receipt(letter, ReceiptKind.ACCEPTED, reply.message)
        kind = kind_of(reply.code, reply.message, to_address=False)
        return _receipt(letter, kind, f"{reply.code} {reply.message}")

    async def _refused(
        self, letter: Letter, code: int, message: str, *, to_address: bool
    ) -> Receipt:
        if code == _CLOSING:
            raise SMTPServerDisconnected(f"{code} {message}")
        try:
            await self._client.rset()
        except (SMTPException, OSError):
            self._drop()
        kind = kind_of(code, message, to_address=to_address)
        return _receipt(letter, kind, f"{code} {message}")

    def _new(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            local_hostname=platform.node() or "localhost",
            timeout=server.connect_seconds,
            use_tls=server.tls,
            validate_certs=server.tls or server.user is not None,
        )

    def _drop(self) -> None:
        self._client.close()
        self._client = self._new()


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


def _receipt(letter: Letter, kind: ReceiptKind, detail: str) -> Receipt:
    return Receipt(letter.message_id, kind, " ".join(detail.split())[:_LONGEST_DETAIL])


def _said(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
