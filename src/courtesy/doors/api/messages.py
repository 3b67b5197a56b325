"""What receivers do with a message: open it, follow a link, say no.

A GET never unsubscribes, since scanners fetch links (RFC 8058); it shows a page with one button.
A HEAD counts nothing, and what a GET counts as is judged later: see ``stages/messages/fetches.py``.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from html import escape
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from courtesy import workspace
from courtesy.app import App
from courtesy.doors.api.intake import Intake
from courtesy.ground.primitives.errors import HomeError, NotFoundError
from courtesy.stages.messages import Policy, returns, store
from courtesy.stages.messages.fetches import read_signal
from courtesy.stages.messages.links import LinkKind, Links, Ticket
from courtesy.stages.messages.url import web_address

_GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
_HEAD = "HEAD"
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_SEALED = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.125rem/1.5 system-ui, sans-serif; max-width: 32rem;
  margin: 0 auto; padding: 2rem 1rem }}
button {{ font: inherit; font-weight: 600; width: 100%; min-height: 3rem; border: 0;
  border-radius: .5rem; background: #1d4ed8; color: #fff; cursor: pointer }}
button:focus-visible {{ outline: 3px solid #f59e0b; outline-offset: 2px }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p>{form}</main></body></html>
"""
_FORM = '<form method="post"><button type="submit">Unsubscribe</button></form>'
_ABSENT: dict[int | str, dict[str, Any]] = {404: {"description": "No such address was made here."}}


def router(app: App, intake: Intake) -> APIRouter:
    """The addresses that stand in messages: ``/o``, ``/c`` and ``/u``, each with a signed token."""
    desk = _Desk(app, intake)
    routes = APIRouter(tags=["messages"], default_response_class=Response, responses=_ABSENT)
    for path, answer, summary in (
        ("/o/{token}", desk.opened, "The picture that tells of opening"),
        ("/c/{token}", desk.clicked, "Lead on to where a link points"),
        ("/u/{token}", desk.asked, "Ask whether to unsubscribe"),
    ):
        routes.add_api_route(path, answer, summary=summary)
        routes.add_api_route(path, _head_of(answer), methods=[_HEAD], include_in_schema=False)
    routes.add_api_route(
        "/u/{token}", desk.unsubscribed, methods=["POST"], summary="Unsubscribe, in one click"
    )
    return routes


class _Desk:
    """Answers requests; what it records is durable before the answer, by group commit."""

    def __init__(self, app: App, intake: Intake) -> None:
        self._app = app
        self._intake = intake
        self._links = Links(app.secret, app.settings.public_url)

    async def opened(self, token: str, request: Request) -> Response:
        """A picture of one point."""
        try:
            ticket = self._links.read(LinkKind.OPEN, token)
        except NotFoundError:
            return Response(status_code=404, headers=_PRIVATE)
        await self._keep_fetch(request, LinkKind.OPEN, ticket)
        return Response(_GIF, media_type="image/gif", headers=_PRIVATE)

    async def clicked(self, token: str, request: Request) -> Response:
        """The way to the link's target."""
        try:
            ticket = self._links.read(LinkKind.CLICK, token)
        except NotFoundError:
            return _unknown()
        await self._keep_fetch(request, LinkKind.CLICK, ticket)
        return _lead_on(ticket.target)

    async def asked(self, token: str, request: Request) -> Response:
        """A page with one button; nothing has happened yet, but scanners look here too."""
        try:
            ticket = self._links.read(LinkKind.UNSUBSCRIBE, token)
        except NotFoundError:
            return _unknown()
        message = await self._message(ticket.message_id)
        about = await self._about(message)
        page = _page("Unsubscribe?", f"You will get no more e-mails {about}.", _FORM)
        if request.method != _HEAD and message:
            page.background = BackgroundTask(self._keep_look, request, ticket.message_id)
        return page

    async def unsubscribed(self, token: str) -> Response:
        """The withdrawal is recorded, however often it is sent."""
        try:
            ticket = self._links.read(LinkKind.UNSUBSCRIBE, token)
        except NotFoundError:
            return _unknown()
        message = await self._message(ticket.message_id)
        await self._record(returns.UNSUBSCRIBED, message)
        return _page("Unsubscribed", f"You will get no more e-mails {await self._about(message)}.")

    async def _message(self, message_id: str) -> Mapping[str, Any] | None:
        """The message of a signed address; None when its receiver was forgotten since."""
        return await run_in_threadpool(self._stored, message_id)

    def _stored(self, message_id: str) -> Mapping[str, Any] | None:
        try:
            with self._app.ledger.read() as transaction:
                return store.message(transaction, message_id)
        except NotFoundError:
            return None

    async def _keep_fetch(self, request: Request, kind: LinkKind, ticket: Ticket) -> None:
        """Record that somebody, or something, came; a HEAD only looks what there is."""
        if request.method == _HEAD:
            return
        message = await self._message(ticket.message_id)
        if message is not None:
            signal, now = read_signal(kind, request.headers), self._app.clock.now()
            batch = returns.fetch_batch(kind, message, now, signal, ticket.target)
            await self._intake.put(batch)

    def _keep_look(self, request: Request, message_id: str) -> None:
        signal = read_signal(LinkKind.UNSUBSCRIBE, request.headers)
        fetch = returns.look(message_id, self._app.clock.now(), signal)
        with suppress(HomeError), self._app.ledger.write() as transaction:
            store.keep_fetches(transaction, fetch)

    async def _record(self, event: str, message: Mapping[str, Any] | None, url: str = "") -> None:
        if message is not None:
            await self._intake.put(returns.returned(event, [message], self._app.clock.now(), url))

    async def _about(self, message: Mapping[str, Any] | None) -> str:
        policy = await run_in_threadpool(self._policy)
        about = f"about <strong>{escape(message['topic'])}</strong>" if message else "of this kind"
        return f"{about} from {escape(policy.sender.name)}" if policy else about

    def _policy(self) -> Policy | None:
        with self._app.ledger.read() as transaction:
            return workspace.in_force(transaction).policy


def _head_of(answer: Callable[[str, Request], Awaitable[Response]]) -> Callable[..., Any]:
    """The same answer without its body (RFC 9110, 9.3.2)."""

    async def head(token: str, request: Request) -> Response:
        response = await answer(token, request)
        response.body = b""
        return response

    return head


def _lead_on(target: str) -> Response:
    """The way to a target as browsers read it; letters sent long ago hold what was written."""
    address = web_address(target)
    if address is None:
        return RedirectResponse(target, status_code=302, headers=_PRIVATE)
    return Response(status_code=302, headers={**_PRIVATE, "Location": address})


def _page(title: str, text: str, form: str = "", status: int = 200) -> Response:
    content = _PAGE.format(title=title, text=text, form=form)
    headers = {**_PRIVATE, "Content-Security-Policy": _SEALED}
    return HTMLResponse(content, status_code=status, headers=headers)


def _unknown() -> Response:
    text = "This address is not complete, or was changed. Try the link in the message again."
    return _page("Not found", text, status=404)
