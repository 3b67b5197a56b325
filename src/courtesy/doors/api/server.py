"""The API, wired on one page."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from courtesy.app import App
from courtesy.doors.api.answers import refused
from courtesy.doors.api.browsers import Browsers
from courtesy.doors.api.description import collection_schemas
from courtesy.doors.api.evaluation import flag_paths
from courtesy.doors.api.events import PATHS, Collection
from courtesy.doors.api.flags import Flags
from courtesy.doors.api.intake import Intake
from courtesy.doors.api.keys import Keys
from courtesy.doors.api.messages import router
from courtesy.flow import holds
from courtesy.ground.primitives.errors import CourtesyError
from courtesy.stages.events import store

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")


class _Api(FastAPI):
    """FastAPI that also describes collection and flags, which bypass its machinery for speed."""

    def openapi(self) -> dict[str, Any]:
        described = super().openapi()
        paths, components = collection_schemas()
        for operations in described["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)  # a token is text, and any text is taken
        described["paths"].update(paths | flag_paths())
        described["components"] = components
        return described


def create_api(app: App, arrived: Callable[[], None] | None = None) -> FastAPI:
    """The ASGI application.

    Args:
        app: the home to serve.
        arrived: called after each commit of accepted batches, from the server's event loop.
    """
    api = _Api(title="Courtesy", docs_url=None, redoc_url=None)
    intake, keys = Intake(app, arrived), Keys(app)
    collection = Collection(keys, intake, app.clock)
    for path, call in PATHS.items():
        route = Route(path, collection.answer_to(call), methods=["POST", "OPTIONS"])
        api.router.routes.append(route)
    api.router.routes.extend(Flags(app, keys, intake).routes())
    api.router.routes.extend(Browsers(app, keys).routes())
    api.include_router(router(app, intake))
    api.add_exception_handler(CourtesyError, refused)
    api.add_exception_handler(405, _not_allowed)
    api.add_api_route("/health", _health(app), methods=["GET"], summary="Is all well?")
    return api


async def _not_allowed(request: Request, error: Exception) -> Response:
    """405 with every method of the address, whichever route has it (RFC 9110, 15.5.6)."""
    asked = [{**request.scope, "method": method} for method in _METHODS]
    found = [
        scope["method"]
        for scope in asked
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    ]
    body = {"detail": getattr(error, "detail", "Method Not Allowed")}
    return JSONResponse(body, status_code=405, headers={"Allow": ", ".join(found)})


def _health(app: App) -> Callable[[], Any]:
    async def health() -> dict[str, int | bool | list[str]]:
        inbox, held = await run_in_threadpool(_standing, app)
        return {"ok": True, "inbox": inbox} | ({"held": held} if held else {})

    return health


def _standing(app: App) -> tuple[int, list[str]]:
    """How many calls wait to be worked off, and a sentence for each channel that is held."""
    with app.ledger.read() as transaction:
        inbox = store.waiting_count(transaction)
    return inbox, [str(hold) for hold in holds(app)]
