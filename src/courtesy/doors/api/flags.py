"""Flags over HTTP: the OpenFeature Remote Evaluation Protocol (OFREP).

Source: https://github.com/open-feature/protocol, ``service/openapi.yaml``. ``targetingKey`` is a
``userId``, or an ``anonymousId`` where the context says so by an equal ``anonymousId``. What else
the context says counts as traits in the conditions of flags, for this answer alone. The answer
for one flag is an exposure, recorded before it is given; the answer for all of them is none, since
clients fetch all and show few: they send ``Experiment Viewed`` for what is shown, where the
metadata says ``takesPart``.
"""

from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from courtesy.app import App
from courtesy.doors.api.answers import cross_origin, headers_of, preflight, status_of
from courtesy.doors.api.bodies import body_of
from courtesy.doors.api.intake import Intake
from courtesy.doors.api.keys import Keys
from courtesy.doors.api.questions import Questions
from courtesy.flow.flags.decide import Flag, Question, Who, flags
from courtesy.ground.primitives.errors import CallError, CourtesyError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events.ids import fault_of_id, id_text, is_exact
from courtesy.stages.events.model import EVENT_BYTES

PATH = "/ofrep/v1/evaluate/flags"
_CONTEXT = "context"
_TARGETING_KEY = "context.targetingKey"
_IDS = ("targetingKey", "anonymousId")
_INVALID = {_CONTEXT: "INVALID_CONTEXT", _TARGETING_KEY: "TARGETING_KEY_MISSING"}
_CODES = {404: "FLAG_NOT_FOUND", 400: "PARSE_ERROR"}
_BUSY = 429
_decode = msgspec.json.Decoder().decode


class Flags:
    """Answers for one flag and for all of them."""

    def __init__(self, app: App, keys: Keys, intake: Intake) -> None:
        self._app = app
        self._keys = keys
        self._intake = intake
        self._questions = Questions(app)

    def routes(self) -> list[Route]:
        """The addresses of the protocol."""
        methods = ["POST", "OPTIONS"]
        return [
            Route(PATH, self.every, methods=methods),
            Route(PATH + "/{key:path}", self.one, methods=methods),
        ]

    async def one(self, request: Request) -> Response:
        """The arm of one experiment; durable as an exposure where it is one."""
        if request.method == "OPTIONS":
            return preflight(request)
        key = {"key": request.path_params["key"]}
        if self._intake.full:
            text = "More events wait to be written than fit in memory. Ask again in a moment."
            return _refused(request, _BUSY, key | {"errorCode": "GENERAL", "errorDetails": text})
        try:
            question = Question(key["key"], await self._who(request))
            answer, view = await self._questions.ask(question)
            if view is not None:
                await self._intake.put(view, urgent=False)
        except CourtesyError as error:
            return _failed(request, error, key)
        return _given(request, msgspec.json.encode(_told(answer)))

    async def every(self, request: Request) -> Response:
        """The arms of all experiments; 304 where the client has just these."""
        if request.method == "OPTIONS":
            return preflight(request)
        try:
            answers = await run_in_threadpool(flags, self._app, await self._who(request))
        except CourtesyError as error:
            return _failed(request, error, {})
        body = msgspec.json.encode({"flags": [_told(answer) for answer in answers]})
        tag = f'"{digest(body.decode())}"'
        if _has(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers={**cross_origin(request), "ETag": tag})
        return _given(request, body, {"ETag": tag})

    async def _who(self, request: Request) -> Who:
        try:
            body = await body_of(request)
        except ClientDisconnect:
            raise CallError("The client went away.") from None
        await self._keys.source(request.headers, body)
        return who_of(body)


def who_of(body: bytes) -> Who:
    """Whom the body of an evaluation is about.

    Raises:
        CallError: it is not such a body; ``place`` tells a context without targeting key from one
            that cannot be used, and both from what is no JSON.
    """
    context = _object(body).get("context")
    if context is not None and not isinstance(context, dict):
        raise CallError("It should be an object.", place=_CONTEXT)
    given = context or {}
    key, anonymous = (_id(given, name) for name in ("targetingKey", "anonymousId"))
    if given.get("targetingKey") in {None, ""} or not (key or anonymous):
        raise CallError("Name the person: a userId or an anonymousId.", place=_TARGETING_KEY)
    return Who(None if key in {"", anonymous} else key, anonymous or None, _attributes(given))


def _attributes(context: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """All else that the context says, which counts as traits for this answer alone."""
    said = sorted((name, value) for name, value in context.items() if name not in _IDS)
    return tuple((name, msgspec.json.encode(value).decode()) for name, value in said)


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > EVENT_BYTES:
        raise CallError(f"It is of {len(body):,} bytes; it may have {EVENT_BYTES:,}.")
    try:
        found = _decode(body.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CallError("It should be JSON.") from None
    if not isinstance(found, dict):
        raise CallError('It should be an object: {"context": {"targetingKey": "user-1"}}.')
    return found


def _id(context: Mapping[str, Any], name: str) -> str:
    """An id as text, as in events; empty where there is none, or what cannot be one."""
    value = context.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "\0" in str(value):
        raise CallError(f"{name} should be text without NUL, or a number.", place=_CONTEXT)
    text = id_text(value) or ""
    inexact = isinstance(value, float) and not is_exact(value)
    return "" if inexact or fault_of_id(text) else text


def _told(answer: Flag) -> dict[str, Any]:
    """As OFREP has it; without a value the client keeps the one in its code."""
    value = {} if answer.value is None else {"value": answer.value}
    return {
        "key": answer.key,
        "reason": answer.reason,
        "variant": answer.arm,
        **value,
        "metadata": {"takesPart": answer.takes_part},
    }


def _has(known: str, tag: str) -> bool:
    """Whether a client's ``If-None-Match`` names the tag (RFC 9110, 13.1.2)."""
    tags = {one.strip().removeprefix("W/") for one in known.split(",")}
    return bool(tags & {tag, "*"})


def _failed(request: Request, error: CourtesyError, key: Mapping[str, str]) -> Response:
    status, _ = status_of(error)
    code = _INVALID.get(error.place) or _CODES.get(status, "GENERAL")
    return _refused(request, status, {**key, "errorCode": code, "errorDetails": error.message})


def _refused(request: Request, status: int, said: Mapping[str, str]) -> Response:
    return _given(request, msgspec.json.encode(said), headers_of(status), status)


def _given(
    request: Request, body: bytes, headers: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    every = {**cross_origin(request), **(headers or {})}
    return Response(body, status_code=status, headers=every, media_type="application/json")
