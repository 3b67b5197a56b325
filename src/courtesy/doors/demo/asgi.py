"""HTTP without a network: requests to an ASGI application in this process.

Source: the ASGI specification, HTTP connection scope (https://asgi.readthedocs.io).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp

from courtesy.ground.primitives.errors import CallError

Headers = Sequence[tuple[bytes, bytes]]
_REFUSED = 400
_SHOWN = 200


@dataclass
class _Answer:
    status: int = 0
    body: bytes = b""

    async def take(self, message: Any) -> None:  # noqa: ANN401 - an ASGI event
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


async def request(
    api: ASGIApp, method: str, url: str, body: bytes = b"", headers: Headers = ()
) -> None:
    """Make one request, and wait until it is answered.

    Raises:
        CallError: it was refused.
    """

    async def give() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    answer = _Answer()
    await api(_scope(method, url, headers), give, answer.take)
    if answer.status >= _REFUSED:
        text = answer.body.decode(errors="replace")[:_SHOWN]
        raise CallError(f"{answer.status}: {text}", place=urlsplit(url).path)


def _scope(method: str, url: str, headers: Headers) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", parts.netloc.encode()), *headers],
        "server": (parts.hostname, parts.port),
        "client": ("127.0.0.1", 1),
    }
