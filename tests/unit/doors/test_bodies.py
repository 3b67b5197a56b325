"""Bodies as they come over the wire: compressed, mislabelled, oversized, broken."""

import asyncio
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from courtesy.doors.api.bodies import body_of, unpacked
from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events.model import BATCH_BYTES

BODY = b'{"batch": []}'


def body(*parts: bytes, encoding: str = "") -> bytes:
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    headers = [(b"content-encoding", encoding.encode())] if encoding else []

    async def receive() -> Message:
        return messages.pop(0)

    return asyncio.run(body_of(Request({"type": "http", "headers": headers}, receive)))


@pytest.mark.parametrize("encoding", ["", "gzip", "GZIP", "x-gzip", "identity", "deflate"])
def test_gzip_is_known_by_its_first_bytes(encoding: str) -> None:
    assert body(gzip.compress(BODY), encoding=encoding) == BODY


@pytest.mark.parametrize("encoding", ["", "identity", "gzip"])
def test_what_is_not_compressed_is_taken_as_it_is(encoding: str) -> None:
    assert body(BODY[:4], BODY[4:], encoding=encoding) == BODY


def test_deflate() -> None:
    assert body(zlib.compress(BODY), encoding="deflate") == BODY


def test_gzip_in_several_members() -> None:
    assert body(gzip.compress(BODY) + gzip.compress(b"x" * 9)) == BODY + b"x" * 9


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(CallError) as error:
        body(b"\x8b", encoding="br")
    assert error.value.place == "Content-Encoding"
    assert error.value.detail == "It should be gzip, deflate or identity; found 'br'."


TOO_LARGE = "It is larger than the 512,000 bytes that a call may have."


def test_a_body_of_the_greatest_size_is_taken_and_one_byte_more_refused() -> None:
    assert len(body(b"x" * BATCH_BYTES)) == BATCH_BYTES
    assert len(body(gzip.compress(b"x" * BATCH_BYTES))) == BATCH_BYTES
    for data in (b"x" * (BATCH_BYTES + 1), gzip.compress(b"x" * (BATCH_BYTES + 1))):
        with pytest.raises(CallError) as error:
            body(data)
        assert error.value.detail == TOO_LARGE


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 2**27), 0)
    inner = gzip.decompress(bomb)
    assert len(inner) < BATCH_BYTES
    with pytest.raises(CallError) as error:
        unpacked(inner)
    assert error.value.detail == TOO_LARGE


def test_many_small_members_do_not_get_past_the_limit() -> None:
    with pytest.raises(CallError) as error:
        unpacked(gzip.compress(b"x" * (BATCH_BYTES // 2)) * 3)
    assert error.value.detail == TOO_LARGE


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (gzip.compress(BODY)[:-9], "Its compressed data breaks off."),
        (gzip.compress(BODY)[:-8] + b"12345678", "Its compressed data is broken."),
        (gzip.compress(BODY) + b"trailing", "Its compressed data is broken."),
        (b"\x1f\x8bnonsense", "Its compressed data is broken."),
    ],
    ids=["cut", "wrong checksum", "trailing bytes", "nonsense"],
)
def test_broken_compression_is_refused(data: bytes, detail: str) -> None:
    with pytest.raises(CallError) as error:
        body(data)
    assert error.value.detail == detail


@given(data=st.binary(max_size=60), whole=st.booleans())
def test_arbitrary_compressed_data_is_unpacked_or_refused(data: bytes, *, whole: bool) -> None:
    if whole:
        assert unpacked(gzip.compress(data)) == data
        return
    try:
        assert len(unpacked(b"\x1f\x8b" + data)) <= BATCH_BYTES
    except CallError as error:
        assert "compressed data" in error.detail  # noqa: PT017 - raising is one of two right ends
