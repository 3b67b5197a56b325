"""The body of a request, unpacked, and never more of it than a call may hold."""

import zlib

from starlette.requests import Request

from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events.model import BATCH_BYTES

_GZIP = b"\x1f\x8b"
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_PLAIN = ("", "identity", "gzip", "x-gzip")


async def body_of(request: Request) -> bytes:
    """What the client meant to send; compression is known by its first bytes.

    Raises:
        CallError: it is larger than a batch may be, or its compression is broken or unknown.
    """
    packed = await _bounded(request)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if packed.startswith(_GZIP) or encoding == "deflate":
        return unpacked(packed)
    if encoding not in _PLAIN:
        detail = f"It should be gzip, deflate or identity; found {encoding[:40]!r}."
        raise CallError(detail, place="Content-Encoding")
    return packed


def unpacked(packed: bytes) -> bytes:
    """The data of gzip or zlib (RFC 1950, 1952); stops when there is more than a batch may hold.

    Raises:
        CallError: it is too large when unpacked, or broken.
    """
    data = b""
    while packed:
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            data += unpacker.decompress(packed, BATCH_BYTES + 1 - len(data))
        except zlib.error:
            raise CallError("Its compressed data is broken.") from None
        if len(data) > BATCH_BYTES:
            raise _too_large()
        if not unpacker.eof:
            raise CallError("Its compressed data breaks off.")
        packed = unpacker.unused_data
    return data


async def _bounded(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > BATCH_BYTES:
            raise _too_large()
    return b"".join(parts)


def _too_large() -> CallError:
    return CallError(f"It is larger than the {BATCH_BYTES:,} bytes that a call may have.")
