"""What the libraries of browsers ask for before they send: their settings, and themselves.

Both libraries then need only another host and key: `@segment/analytics-next`
(https://segment.com/docs/connections/sources/catalog/libraries/website/javascript/) and
`@rudderstack/analytics-js`
(https://www.rudderstack.com/docs/sources/event-streams/sdks/rudderstack-javascript-sdk/).
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from courtesy.app import App
from courtesy.doors.api.answers import cross_origin, preflight, refused
from courtesy.doors.api.keys import Keys
from courtesy.ground.primitives.errors import CourtesyError, NotFoundError

_SETTINGS = "/v1/projects/{key}/settings"
_LIBRARY = "/analytics.js/v1/{key}/analytics.min.js"
_BUNDLES = "/analytics-next/bundles/{name:path}"
_SOURCE_CONFIG = "/sourceConfig/"
_PACKAGE = Path("@segment", "analytics-next", "dist", "umd")
_WHOLE = "standalone.js"
_METHODS = ("GET", "OPTIONS")
_ALLOWED = "GET, HEAD, OPTIONS"
_SCRIPT = "text/javascript; charset=utf-8"
_FRESH = {"Cache-Control": "public, max-age=300"}

Answer = Callable[[Request], Awaitable[Response]]


class Browsers:
    """Answers the libraries of browsers, from whatever page they run on."""

    def __init__(self, app: App, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    def routes(self) -> list[Route]:
        """The addresses that the libraries know."""
        answers = {
            _SETTINGS: self.settings,
            _LIBRARY: self.library,
            _BUNDLES: self.bundle,
            _SOURCE_CONFIG: self.source_config,
            _SOURCE_CONFIG.rstrip("/"): self.source_config,
        }
        return [Route(path, _from_anywhere(one), methods=_METHODS) for path, one in answers.items()]

    async def settings(self, request: Request) -> Response:
        """Where analytics.js sends events: here."""
        key = request.path_params["key"]
        await self._known(key)
        address = urlsplit(self._address(request))
        host = {"apiHost": f"{address.netloc}{address.path}/v1", "protocol": address.scheme}
        # Otherwise the library reports its own faults to its maker.
        unheard = {"host": host["apiHost"], "sampleRate": 0}
        sender = {"Segment.io": {"apiKey": key, **host}}
        return _json(request, {"integrations": sender, "metrics": unheard})

    async def library(self, request: Request) -> Response:
        """analytics.js itself, where its npm package is installed."""
        await self._known(request.path_params["key"])
        return self._script(request, _WHOLE)

    async def bundle(self, request: Request) -> Response:
        """A part of analytics.js that it loads when it needs it."""
        return self._script(request, request.path_params["name"])

    async def source_config(self, request: Request) -> Response:
        """What the RudderStack library wants to know of its source; nothing stands behind it."""
        key = request.query_params.get("writeKey", "")
        source = await self._keys.source(request.headers, msgspec.json.encode({"writeKey": key}))
        silent = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
        described = {
            "id": source,
            "name": source,
            "writeKey": key,
            "enabled": True,
            "workspaceId": "courtesy",
            "connections": [],
            "destinations": [],
            "config": {"statsCollection": silent},
        }
        return _json(request, {"source": described})

    async def _known(self, key: str) -> None:
        """Refuse a write key that nobody has; in these addresses that is a page not found."""
        if not await self._keys.owner(key):
            raise NotFoundError("This write key is not known. Make one: courtesy keys create NAME.")

    def _address(self, request: Request) -> str:
        """How this browser reaches us: by the public address, or by another, as while trying."""
        public = self._app.settings.public_url.rstrip("/")
        same = urlsplit(public).netloc == request.url.netloc
        return public if same else str(request.base_url).rstrip("/")

    def _script(self, request: Request, name: str) -> Response:
        folder = self._app.settings.node_modules / _PACKAGE
        # Only a name that the package itself lists: what a browser says is no path.
        found = next((one for one in _scripts(folder) if one.name == name), None)
        if found is None:
            raise NotFoundError(_absent(folder, name))
        headers = {**cross_origin(request), **_FRESH}
        return FileResponse(found, media_type=_SCRIPT, headers=headers)


def _scripts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.js")) if folder.is_dir() else []


def _absent(folder: Path, name: str) -> str:
    if folder.is_dir():
        return f"analytics.js has no part {name!r:.80}."
    return (
        "analytics.js is not installed here: npm install @segment/analytics-next where the server "
        "runs, or name its node_modules in COURTESY_NODE_MODULES."
    )


def _from_anywhere(answer: Answer) -> Answer:
    """An endpoint that pages of other origins may ask, and whose refusals they can read."""

    async def endpoint(request: Request) -> Response:
        if request.method == "OPTIONS":
            return preflight(request, _ALLOWED)
        try:
            return await answer(request)
        except CourtesyError as error:
            return await refused(request, error)

    return endpoint


def _json(request: Request, said: Any) -> Response:  # noqa: ANN401 - JSON
    headers = {**cross_origin(request), **_FRESH}
    return Response(msgspec.json.encode(said), headers=headers, media_type="application/json")
