"""Requests of the demo's people to the API in this process."""

import asyncio
import base64

import pytest
from starlette.types import Receive, Scope, Send

from courtesy.doors.demo.asgi import request
from courtesy.ground.primitives.errors import CallError


class Echo:
    """An application that keeps what it was asked, and answers with one status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.scope: Scope = {}
        self.body = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"what ", "more_body": True})
        await send({"type": "http.response.body", "body": b"it says"})


def test_a_request_arrives_as_it_was_made() -> None:
    """Method, address, headers and body."""
    api, key = Echo(302), (b"authorization", b"Basic " + base64.b64encode(b"key:"))
    asyncio.run(request(api, "POST", "https://mail.example/c/a%20b.c?d=1", b"body", (key,)))
    found = [api.scope[name] for name in ("method", "scheme", "path", "raw_path", "query_string")]
    assert found == ["POST", "https", "/c/a b.c", b"/c/a%20b.c", b"d=1"]
    assert api.scope["headers"] == [(b"host", b"mail.example"), key]
    assert api.body == b"body"


def test_a_refusal_says_where_and_why() -> None:
    """The path and what the server said."""
    with pytest.raises(CallError, match="404: what it says") as caught:
        asyncio.run(request(Echo(404), "GET", "https://mail.example/o/nothing"))
    assert caught.value.place == "/o/nothing"
