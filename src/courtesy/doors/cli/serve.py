"""Serving: the API, and the worker that acts on what comes in."""

import signal
import sys
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from courtesy.app import App
from courtesy.doors.api import create_api
from courtesy.doors.cli.frame import Json, answer, log_console, opened
from courtesy.doors.worker import Worker
from courtesy.stages.events import store


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    json: Json = False,
) -> None:
    """Take events in over HTTP and act on them, until stopped by SIGTERM or Ctrl-C."""
    with opened(context) as app:
        _greet(app, f"http://{host}:{port}", json=json)
        signal.signal(signal.SIGTERM, _leave)
        worker = Worker(app)
        api = create_api(app, arrived=worker.wake)
        worker.start()
        try:
            uvicorn.run(api, host=host, port=port, log_level="warning", access_log=False)
        finally:
            worker.stop()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End as if all were done: uvicorn has answered what was open, and the worker may finish."""
    sys.exit(0)


def _greet(app: App, address: str, *, json: bool) -> None:
    answer({"address": address}, json=json, text=lambda: f"Listening on {address}")
    with app.ledger.read() as transaction:
        sources = store.sources(transaction)
    if not sources:
        log_console.print("Nobody may send events yet. Make a key: courtesy keys create NAME")
