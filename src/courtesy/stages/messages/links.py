"""Signed addresses in messages: what was opened, followed or unsubscribed, and nothing else.

A token holds the message and, for a link, its target, under a keyed digest of this home; nobody
else can make one, so that no address here leads anywhere but where a message pointed.
"""

import base64
import binascii
from dataclasses import dataclass, field
from enum import StrEnum

from courtesy.ground.primitives.errors import NotFoundError
from courtesy.ground.primitives.ids import keyed_digest, same

_LONGEST = 8_192


class LinkKind(StrEnum):
    """What a signed address is for; also the first part of its path."""

    OPEN = "o"
    CLICK = "c"
    UNSUBSCRIBE = "u"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token says: the message, and where a link leads (else empty)."""

    message_id: str
    target: str = ""


@dataclass(frozen=True)
class Links:
    """Makes and reads the signed addresses of one home.

    ``secret`` is the home's key, ``public_url`` how browsers reach this server.
    """

    secret: bytes = field(repr=False)
    public_url: str

    def opened(self, message_id: str) -> str:
        """The address of the picture that tells of opening."""
        return self._url(LinkKind.OPEN, Ticket(message_id))

    def clicked(self, message_id: str, target: str) -> str:
        """The address that counts a click and leads on to ``target``.

        It is ``target`` itself, which nobody counts, where that is too long for an address.
        """
        url = self._url(LinkKind.CLICK, Ticket(message_id, target))
        return url if len(url) <= _LONGEST else target

    def unsubscribe(self, message_id: str) -> str:
        """The address at which the receiver of a message says no."""
        return self._url(LinkKind.UNSUBSCRIBE, Ticket(message_id))

    def read(self, kind: LinkKind, token: str) -> Ticket:
        """What a token says.

        Raises:
            NotFoundError: this home made no such token for this kind of address.
        """
        ticket = _unpacked(token)
        if ticket is None or not same(self._token(kind, ticket), token):
            raise NotFoundError("This address is not complete, or was changed.")
        return ticket

    def _url(self, kind: LinkKind, ticket: Ticket) -> str:
        return f"{self.public_url.rstrip('/')}/{kind}/{self._token(kind, ticket)}"

    def _token(self, kind: LinkKind, ticket: Ticket) -> str:
        seal = keyed_digest(self.secret, "link", kind, ticket.message_id, ticket.target)
        where = base64.urlsafe_b64encode(ticket.target.encode()).decode().rstrip("=")
        return f"{ticket.message_id}.{seal}.{where}" if where else f"{ticket.message_id}.{seal}"


def _unpacked(token: str) -> Ticket | None:
    message_id, *rest = token.split(".")
    sound = len(token) <= _LONGEST and token.isascii() and message_id.isalnum()
    if not sound or len(rest) not in {1, 2}:
        return None
    where = rest[1] if rest[1:] else ""
    try:
        target = base64.urlsafe_b64decode(where + "=" * (-len(where) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Ticket(message_id, target)
