"""The answers of the API, and what a browser must hear beside them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from courtesy.ground.primitives.errors import (
    AuthError,
    CourtesyError,
    HomeError,
    NotFoundError,
    QueryError,
)
from courtesy.stages.events import Rejection

_RETRY_SECONDS = 1
_PREFLIGHT_SECONDS = 7200
_JSON = "application/json"
_ACCEPTED = b'{"success":true}'
_CODES: Mapping[type[CourtesyError], tuple[int, str]] = {
    AuthError: (401, "unknown_write_key"),
    NotFoundError: (404, "not_found"),
    HomeError: (503, "unavailable"),
    QueryError: (503, "unavailable"),
}
_INVALID = (400, "invalid_call")


def accepted(request: Request, rejections: Sequence[Rejection]) -> Response:
    """200: everything that could be used is durable; ``rejected`` tells of the rest, if any."""
    body = _ACCEPTED
    if rejections:
        places = [{"place": one.place, "reason": one.reason} for one in rejections]
        body = msgspec.json.encode({"success": True, "rejected": places})
    return Response(body, headers=cross_origin(request), media_type=_JSON)


def busy(request: Request, now: datetime) -> Response:
    """429: more waits to be written than fits; the client shall come again."""
    text = "More events wait to be written than fit in memory. Send the same again in a moment."
    reset = {"X-RateLimit-Reset": str(int(now.timestamp()) + _RETRY_SECONDS)}
    return _refusal(request, 429, "busy", text, headers=reset | headers_of(429))


async def refused(request: Request, error: Exception) -> Response:
    """What an error of the tree looks like from outside; 503 asks the client to come again."""
    if not isinstance(error, CourtesyError):
        raise error
    status, code = status_of(error)
    headers = headers_of(status)
    return _refusal(request, status, code, error.message, place=error.place, headers=headers)


def status_of(error: CourtesyError) -> tuple[int, str]:
    """The HTTP status of an error, and its name in the answer."""
    return _CODES.get(type(error), _INVALID)


def headers_of(status: int) -> dict[str, str]:
    """What a client must hear beside a refusal: when to come again, how to say who it is."""
    if status in {429, 503}:
        return {"Retry-After": str(_RETRY_SECONDS)}
    return {"WWW-Authenticate": "Basic"} if status == 401 else {}  # noqa: PLR2004 - RFC 9110


def preflight(request: Request, methods: str = "POST, OPTIONS") -> Response:
    """Let a browser ask from any page, with whatever headers its library sets."""
    headers = cross_origin(request) | {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
    }
    return Response(headers=headers)


def cross_origin(request: Request) -> dict[str, str]:
    """Let the page that asked read the answer."""
    origin = request.headers.get("origin")
    if origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset, ETag",
        "Vary": "Origin, Access-Control-Request-Headers",
    }


def _refusal(  # noqa: PLR0913 - one argument for each part of the answer
    request: Request,
    status: int,
    code: str,
    message: str,
    *,
    place: str = "",
    headers: Mapping[str, str],
) -> Response:
    said = {"success": False, "error": code, "message": message, "place": place}
    return Response(
        msgspec.json.encode(said),
        status_code=status,
        headers={**cross_origin(request), **headers},
        media_type=_JSON,
    )
