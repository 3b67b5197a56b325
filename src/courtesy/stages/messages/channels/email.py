"""E-mail over SMTP (RFC 5321), on connections that are used again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from courtesy.ground.primitives.errors import InputError
from courtesy.stages.messages.model import Letter, Receipt

_PORTS = {"smtp": 25, "smtps": 465}
_CONNECT_SECONDS = 10.0
_REPLY_SECONDS = 60.0


@dataclass(frozen=True)
class SmtpServer:
    """A mail server, and how many connections to it are kept.

    ``smtps`` speaks TLS from the first byte; otherwise STARTTLS is used wherever it is offered.
    ``reply_seconds`` is how long one answer may take.
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    connections: int = 4
    connect_seconds: float = _CONNECT_SECONDS
    reply_seconds: float = _REPLY_SECONDS

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


class Email:
    """The channel ``email``."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def deliver(self, letters: Sequence[Letter]) -> Sequence[Receipt]:
        """Hand n letters to the mail server; returns n receipts."""
        raise NotImplementedError
