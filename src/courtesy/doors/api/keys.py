"""Who is calling: the write key in a header or in the body."""

import asyncio
import base64
import binascii
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping

import msgspec
from fastapi.concurrency import run_in_threadpool

from courtesy.app import App
from courtesy.ground.primitives.errors import AuthError
from courtesy.stages.events import store


class _Keyed(msgspec.Struct, rename="camel"):
    write_key: str | None = None


# A key that was revoked is refused after this long.
_SECONDS = 5.0
_decode = msgspec.json.Decoder(_Keyed).decode


class Keys:
    """Knows the sources by their write keys; each is looked up again after some seconds."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._known: dict[str, tuple[str, float]] = {}

    async def source(self, headers: Mapping[str, str], body: bytes) -> str:
        """The source whose key the headers hold, or else the body; any one of them will do.

        Raises:
            AuthError: none of them holds a key that is known.
        """
        for key in keys_in(headers, body):
            source = await self.owner(key)
            if source:
                return source
        raise AuthError("Make one with: courtesy keys create NAME.")

    async def owner(self, key: str) -> str | None:
        """The source that has this write key; None when nobody does."""
        now = asyncio.get_running_loop().time()
        source, until = self._known.get(key, (None, now))
        if source is None or now >= until:
            source = await run_in_threadpool(self._look_up, key)
            self._known.pop(key, None)
            if source:
                self._known[key] = source, now + _SECONDS
        return source

    def _look_up(self, key: str) -> str | None:
        with self._app.ledger.read() as transaction:
            return store.source_of(transaction, key)


def keys_in(headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """The write keys that a call shows: Basic user, Bearer, X-API-Key, ``writeKey`` in the body.

    Basic credentials without the colon before the empty password are forgiven.
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        yield from _name(credentials.strip())
    if scheme.lower() == "bearer" and credentials:
        yield credentials.strip()
    if headers.get("x-api-key"):
        yield headers["x-api-key"]
    yield from _in_body(body)


def _name(credentials: str) -> Iterator[str]:
    try:
        name = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return
    if name:
        yield name


def _in_body(body: bytes) -> Iterator[str]:
    try:
        key = _decode(body.removeprefix(BOM_UTF8)).write_key
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if key:
        yield key
