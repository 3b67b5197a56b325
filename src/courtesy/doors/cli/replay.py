"""``courtesy replay``: history through the flow, on a virtual clock."""

from datetime import datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from courtesy import workspace
from courtesy.app import App, missing_to_send, open_app
from courtesy.doors.cli.frame import Json, answer, home_of, log_console, opened
from courtesy.flow import Replayed, period
from courtesy.flow import replay as walk
from courtesy.ground.primitives.clock import VirtualClock, duration, parse_instant
from courtesy.ground.primitives.errors import InputError

_START = typer.Option("--from", help="Begin at this time; else at the first event.")
_END = typer.Option("--to", help="Stop at this time; else when nobody waits any more.")
_STEP = typer.Option(help="How finely time is cut, such as 1h or 15m.")


def replay(
    context: typer.Context,
    start: Annotated[str | None, _START] = None,
    end: Annotated[str | None, _END] = None,
    step: Annotated[str, _STEP] = "1h",
    json: Json = False,
) -> None:
    """Run the stored history through the journeys in force, and really send what they say.

    Messages go to the mail server of COURTESY_SMTP_URL: point it at a local one first. What was
    replayed before is not replayed again.
    """
    with opened(context) as app:
        _check_sending(app)
        first, last = period(app)
    begin = parse_instant(start) if start else first
    until = parse_instant(end) if end else last
    clock = VirtualClock(begin)
    app = open_app(home_of(context), clock=clock)
    try:
        done = _watched(app, clock, begin, until, step, settle=end is None)
    finally:
        app.close()
    answer(done, json=json, text=lambda: _text(done))


def _check_sending(app: App) -> None:
    """Nothing enters while a message of it could not leave.

    Raises:
        InputError: a mail server or a public address is missing.
    """
    with app.ledger.read() as transaction:
        sends = bool(workspace.in_force(transaction).journeys)
    missing = missing_to_send(app)
    if sends and missing:
        raise InputError(" ".join(missing))


def _watched(  # noqa: PLR0913 - a replay's bounds
    app: App, clock: VirtualClock, begin: datetime, until: datetime, step: str, *, settle: bool
) -> Replayed:
    bar = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*bar, console=log_console) as progress:
        task = progress.add_task("", total=(until - begin).total_seconds())

        def watch(at: datetime, sent: int) -> None:
            passed = (at - begin).total_seconds()
            progress.update(
                task, completed=passed, description=f"{at:%Y-%m-%d %H:%M} {sent:,} sent"
            )

        return walk(app, clock, end=until, step=duration(step), settle=settle, watch=watch)


def _text(done: Replayed) -> str:
    return (
        f"{done.start:%Y-%m-%d %H:%M} to {done.end:%Y-%m-%d %H:%M}: {done.events:,} events that "
        f"journeys watch, {done.entered:,} entered, {done.sent:,} messages sent."
    )
