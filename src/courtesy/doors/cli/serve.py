"""Serving: the API, and the worker that acts on what comes in."""

import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from courtesy.app import App
from courtesy.doors.cli.frame import (
    Json,
    answer,
    home_of,
    log_console,
    opened,
    say_what_is_missing,
)
from courtesy.doors.worker import Worker
from courtesy.flow.scratch import virtual_time
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.events import store

if TYPE_CHECKING:
    from fastapi import FastAPI


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 is any free one.")
    ] = 8000,
    json: Json = False,
) -> None:
    """Take events in over HTTP and act on them, until stopped by SIGTERM or Ctrl-C."""
    from courtesy.doors.api import create_api  # noqa: PLC0415 - slow to load, and only for this

    _check_time(home_of(context))
    with opened(context) as app, _listening(host, port) as listener:
        _greet(app, f"http://{host}:{listener.getsockname()[1]}", json=json)
        signal.signal(signal.SIGTERM, _leave)
        worker = Worker(app)
        api = create_api(app, arrived=worker.wake)
        worker.start()
        try:
            _answer(api, listener)
        finally:
            worker.stop()


def _check_time(home: Path) -> None:
    """Who waits in virtual time is not written to in ours by accident.

    Raises:
        InputError: the home is a replay's.
    """
    virtual = virtual_time(home)
    if virtual:
        raise InputError(
            f"A replay made this home, and its time stands at {virtual.now:%Y-%m-%d %H:%M} UTC: "
            "all who wait in it would be written to at once. To let it live in our time, with "
            f"nobody under way: courtesy --home {home} replay --leave",
            place=str(home),
        )


def _listening(host: str, port: int) -> socket.socket:
    """The address, taken before anything begins.

    Raises:
        InputError: it is not this machine's, or somebody else has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]
        detail = f"{why}; choose another with --host and --port."
        raise InputError(detail, place=f"{host}:{port}") from None


def _answer(api: "FastAPI", listener: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415 - same

    config = uvicorn.Config(api, log_level="warning", access_log=False, lifespan="off")
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End as if all were done: uvicorn has answered what was open, and the worker may finish."""
    sys.exit(0)


def _greet(app: App, address: str, *, json: bool) -> None:
    answer({"address": address}, json=json, text=lambda: f"Listening on {address}")
    say_what_is_missing(app)
    with app.ledger.read() as transaction:
        sources = store.sources(transaction)
    if not sources:
        log_console.print("Nobody may send events yet. Make a key: courtesy keys create NAME")
