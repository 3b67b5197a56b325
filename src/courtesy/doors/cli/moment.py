"""As of when figures are told."""

from typing import Annotated

import typer

from courtesy.doors.cli.frame import home_of
from courtesy.doors.demo.home import note_of
from courtesy.ground.primitives.clock import VirtualClock, parse_instant

At = Annotated[str | None, typer.Option(help="As of when; else now, or the end of a simulation.")]


def as_of(context: typer.Context, at: str | None = None) -> VirtualClock | None:
    """A clock that stands at an instant, or where a simulation ended; None is now.

    Raises:
        InputError: ``at`` is no instant.
        HomeError: the home was simulated by another version.
    """
    if at:
        return VirtualClock(parse_instant(at))
    note = note_of(home_of(context))
    return VirtualClock(note.end) if note else None
