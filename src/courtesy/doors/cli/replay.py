"""``courtesy replay``: history through the flow, on a virtual clock, in a home of its own."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from courtesy.app import App, Settings, open_app
from courtesy.doors.cli.frame import Json, answer, home_of, log_console, opened
from courtesy.flow import Replayed, period
from courtesy.flow import replay as walk
from courtesy.flow.scratch import (
    leave_virtual_time,
    make_scratch,
    note_time,
    remove_scratch,
    virtual_time,
)
from courtesy.ground.primitives.clock import VirtualClock, duration, parse_instant
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.messages import Channel, Recording

_INTO = typer.Option(help="The replay's own home; else the name of the home with -replay.")
_START = typer.Option("--from", help="Begin at this time; else at the first event.")
_END = typer.Option("--to", help="Stop at this time; else when nobody waits any more.")
_STEP = typer.Option(help="How finely time is cut, such as 1h or 15m.")
_AGAIN = typer.Option("--again", help="Begin anew, whatever was replayed before.")
_UNDO = typer.Option("--undo", help="Remove the replay's home, and nothing else.")
_LEAVE = typer.Option("--leave", help="Let a replay's home live in our time; nobody stays inside.")
_SEND = typer.Option("--send-to", help="Really send, to this mail server (smtp://host:port).")
_REACHING = typer.Option(help="With --send-to: to how many people at the most.")


def replay(  # noqa: PLR0913, PLR0917 - the options of the command
    context: typer.Context,
    into: Annotated[Path | None, _INTO] = None,
    start: Annotated[str | None, _START] = None,
    end: Annotated[str | None, _END] = None,
    step: Annotated[str, _STEP] = "1h",
    again: Annotated[bool, _AGAIN] = False,
    undo: Annotated[bool, _UNDO] = False,
    leave: Annotated[bool, _LEAVE] = False,
    send_to: Annotated[str | None, _SEND] = None,
    reaching: Annotated[int | None, _REACHING] = None,
    json: Json = False,
) -> None:
    """Run the stored history through the journeys in force, in a home of its own.

    The home in use is not touched. Nothing is sent: what would be is kept as mailboxes in the
    replay's home (outbox/DAY.mbox). What was replayed before is not replayed again.
    """
    home = home_of(context)
    scratch = into or home.with_name(f"{home.resolve().name}-replay")
    if leave:
        _leave(context, json=json)
        return
    if undo:
        remove_scratch(scratch)
        said = f"{scratch} is removed; {home} is as it was."
        answer({"removed": str(scratch)}, json=json, text=lambda: said)
        return
    settings = _sending(send_to, reaching)
    if again and scratch.exists():
        remove_scratch(scratch)
    begin, last = _prepared(context, scratch, start)
    until = parse_instant(end) if end else last
    clock = VirtualClock(begin)
    app = open_app(scratch, clock=clock, settings=settings, channels=_channels(scratch, send_to))
    try:
        done = _watched(app, clock, until, step, settle=end is None, reaching=reaching)
    finally:
        note_time(scratch, clock.now())
        app.close()
    data = {**asdict(done), "home": str(scratch), "really_sent": send_to is not None}
    answer(data, json=json, text=lambda: _text(done, scratch, send_to))


def _prepared(
    context: typer.Context, scratch: Path, start: str | None
) -> tuple[datetime, datetime]:
    """Where the replay begins, and the last instant of the history; its home is made if need be.

    Raises:
        InputError: the folder is a home that no replay made, or the home in use is a replay's.
    """
    if virtual_time(home_of(context)):
        raise InputError("This is a replay's home itself; name the home that it is a copy of.")
    virtual = virtual_time(scratch)
    if scratch.exists() and virtual is None and any(scratch.iterdir()):
        detail = "No replay made this folder; choose another with --into."
        raise InputError(detail, place=str(scratch))
    with opened(context) as app:
        first, last = period(app)
        begin = parse_instant(start) if start else first
        if virtual is None:
            make_scratch(app, scratch, begin)
    return begin, last


def _sending(send_to: str | None, reaching: int | None) -> Settings:
    """The settings of a walk: with a public address of no consequence where nothing leaves.

    Raises:
        InputError: what is really sent is not bounded, or has no public address to point to.
    """
    settings = Settings()
    if send_to is None:
        public_url = settings.public_url or "https://replay.invalid"
        return settings.model_copy(update={"public_url": public_url})
    if reaching is None:
        raise InputError(
            "It really sends, so say to how many people at the most. A walk without --send-to "
            "tells how many there are.",
            place="--reaching",
        )
    return settings.model_copy(update={"smtp_url": SecretStr(send_to)})


def _channels(scratch: Path, send_to: str | None) -> Mapping[str, Channel] | None:
    return None if send_to else {"email": Recording(scratch / "outbox")}


def _leave(context: typer.Context, *, json: bool) -> None:
    with opened(context) as app:
        people, messages = leave_virtual_time(app)
    said = (
        f"It lives in our time now: {people:,} people left their journeys (reason stopped), "
        f"{messages:,} waiting messages are refused (reason recalled)."
    )
    answer({"people": people, "messages": messages}, json=json, text=lambda: said)


def _watched(  # noqa: PLR0913 - a replay's bounds
    app: App,
    clock: VirtualClock,
    until: datetime,
    step: str,
    *,
    settle: bool,
    reaching: int | None,
) -> Replayed:
    bar = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    begin = clock.now()
    with Progress(*bar, console=log_console) as progress:
        task = progress.add_task("", total=(until - begin).total_seconds())

        def watch(at: datetime, sent: int) -> None:
            passed = (at - begin).total_seconds()
            progress.update(
                task, completed=passed, description=f"{at:%Y-%m-%d %H:%M} {sent:,} messages"
            )

        cut = duration(step)
        return walk(app, clock, end=until, step=cut, settle=settle, watch=watch, reaching=reaching)


def _text(done: Replayed, scratch: Path, send_to: str | None) -> str:
    became = f"really sent to {send_to}" if send_to else f"kept in {scratch / 'outbox'}, none sent"
    return (
        f"{done.start:%Y-%m-%d %H:%M} to {done.end:%Y-%m-%d %H:%M}: {done.events:,} events that "
        f"journeys watch, {done.entered:,} entered, {done.sent:,} messages to {done.people:,} "
        f"people, {became}.\nLook at it with courtesy --home {scratch}; courtesy replay --undo "
        "removes it."
    )
