"""Collection: the calls of the Segment HTTP Tracking API, under their long and short paths."""

from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from courtesy.doors.api.answers import accepted, busy, preflight
from courtesy.doors.api.bodies import body_of
from courtesy.doors.api.intake import Intake
from courtesy.doors.api.keys import Keys
from courtesy.ground.primitives.clock import Clock
from courtesy.stages.events import Accepted, collect

CALLS = ("identify", "track", "page", "screen", "group", "alias", "batch")
PATHS = (
    {f"/v1/{call}": call for call in CALLS}
    | {f"/v1/{call[0]}": call for call in CALLS}
    | {"/v1/import": "batch"}
)
"""Which call each path takes; ``/v1/import`` is an old name of batch."""

Answer = Callable[[Request], Awaitable[Response]]


class Collection:
    """Takes calls in: who sends, what of it can be used, and is it durable."""

    def __init__(self, keys: Keys, intake: Intake, clock: Clock) -> None:
        self._keys = keys
        self._intake = intake
        self._clock = clock

    def answer_to(self, call: str) -> Answer:
        """The endpoint of one call."""

        async def answer(request: Request) -> Response:
            if request.method == "OPTIONS":
                return preflight(request)
            if self._intake.full:
                return busy(request, self._clock.now())
            return await self._take(request, call)

        return answer

    async def _take(self, request: Request, call: str) -> Response:
        received_at = self._clock.now()
        try:
            body = await body_of(request)
        except ClientDisconnect:
            return Response(status_code=400)
        source = await self._keys.source(request.headers, body)
        collected = collect(body, call)
        await self._intake.put(Accepted(source, received_at, collected))
        return accepted(request, collected.rejections)
