"""The outside of the system: what apps, mail programs and browsers do, over its HTTP API."""

import asyncio
from base64 import b64encode
from collections.abc import Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from courtesy.app import App
from courtesy.doors.api import create_api
from courtesy.doors.demo.asgi import request
from courtesy.doors.demo.reading import Addresses

_ONE_CLICK = b"List-Unsubscribe=One-Click"
_FORM = ((b"content-type", b"application/x-www-form-urlencoded"),)
_AT_ONCE = 16


class Client:
    """Calls the real API of a home, in this process; open it with ``with``."""

    def __init__(self, app: App, write_key: str) -> None:
        self._runner = asyncio.Runner()
        self._api = create_api(app)
        self._batch = f"{app.settings.public_url}/v1/batch"
        self._key = ((b"authorization", b"Basic " + b64encode(f"{write_key}:".encode())),)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._runner.close()

    def post(self, batches: Iterable[bytes]) -> None:
        """Send batches of calls, one after the other.

        Raises:
            CallError: one was not accepted.
        """
        for batch in batches:
            self._runner.run(request(self._api, "POST", self._batch, batch, self._key))

    def open(self, letters: Sequence[Addresses]) -> None:
        """Show the pictures of letters."""
        self._all(request(self._api, "GET", one.pixel) for one in letters if one.pixel)

    def follow(self, letters: Sequence[Addresses]) -> None:
        """Follow the first link of letters."""
        self._all(request(self._api, "GET", one.link) for one in letters if one.link)

    def leave(self, letters: Sequence[Addresses]) -> None:
        """Unsubscribe with one click, as mail programs do (RFC 8058)."""
        self._all(
            request(self._api, "POST", one.unsubscribe, _ONE_CLICK, _FORM)
            for one in letters
            if one.unsubscribe
        )

    def _all(self, calls: Iterable[Coroutine[Any, Any, None]]) -> None:
        self._runner.run(_gathered(list(calls)))


async def _gathered(calls: Sequence[Coroutine[Any, Any, None]]) -> None:
    for start in range(0, len(calls), _AT_ONCE):
        await asyncio.gather(*calls[start : start + _AT_ONCE])
