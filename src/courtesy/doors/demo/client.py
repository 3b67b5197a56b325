"""The outside of the system: what apps, mail programs and browsers do, over its HTTP API."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from courtesy.app import App
from courtesy.doors.api import create_api
from courtesy.doors.demo.reading import Addresses
from courtesy.ground.primitives.errors import CallError

_ONE_CLICK = {"List-Unsubscribe": "One-Click"}
_AT_ONCE = 16


class Client:
    """Calls the real API of a home, in this process; open it with ``with``."""

    def __init__(self, app: App, write_key: str) -> None:
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_api(app)),
            base_url=app.settings.public_url,
            auth=(write_key, ""),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()

    def post(self, batches: Iterable[bytes]) -> None:
        """Send batches of calls, one after the other.

        Raises:
            CallError: one was not accepted.
        """
        for batch in batches:
            self._runner.run(self._sent("/v1/batch", content=batch))

    def open(self, letters: Sequence[Addresses]) -> None:
        """Show the pictures of letters."""
        self._all(self._got(one.pixel) for one in letters if one.pixel)

    def follow(self, letters: Sequence[Addresses]) -> None:
        """Follow the first link of letters."""
        self._all(self._got(one.link) for one in letters if one.link)

    def leave(self, letters: Sequence[Addresses]) -> None:
        """Unsubscribe with one click, as mail programs do (RFC 8058)."""
        self._all(
            self._sent(one.unsubscribe, data=_ONE_CLICK) for one in letters if one.unsubscribe
        )

    def _all(self, calls: Iterable[Coroutine[Any, Any, None]]) -> None:
        self._runner.run(_gathered(list(calls)))

    async def _got(self, url: str) -> None:
        _check(await self._http.get(url, auth=None))

    async def _sent(self, url: str, **body: Any) -> None:  # noqa: ANN401 - httpx's arguments
        _check(await self._http.post(url, **body))


async def _gathered(calls: Sequence[Coroutine[Any, Any, None]]) -> None:
    for start in range(0, len(calls), _AT_ONCE):
        await asyncio.gather(*calls[start : start + _AT_ONCE])


def _check(response: httpx.Response) -> None:
    if response.is_error:
        raise CallError(f"{response.status_code}: {response.text[:200]}", place=response.url.path)
