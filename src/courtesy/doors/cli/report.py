"""``courtesy report``: everything that happened in a home, as one page."""

from pathlib import Path
from typing import Annotated

import typer

from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, home_of, opened
from courtesy.doors.demo.home import effects, note_of
from courtesy.doors.demo.truth import EXPLANATION
from courtesy.doors.web import Report, gather, page
from courtesy.ground.primitives.clock import VirtualClock, parse_instant
from courtesy.ground.primitives.errors import HomeError


def report(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The HTML file to write.")],
    person: Annotated[
        str | None, typer.Option(help="Whose story to tell; else who has most to tell.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="As of when; else now, or the end of a simulation.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a page with everything that was said, what was not and why, and whether it helped."""
    note = note_of(home_of(context))
    moment = parse_instant(at) if at else note.end if note else None
    with opened(context, VirtualClock(moment) if moment else None) as app:
        found = write(app, file, person)
    data = {"report": str(file), "people": found.people, "sent": found.sent}
    answer(data, json=json, text=lambda: f"Report: {file}")


def write(app: App, file: Path, person: str | None = None) -> Report:
    """Gather the report of a home and write it to a file; returns what stands in it.

    Raises:
        NotFoundError: nobody is called ``person``.
        HomeError: the file cannot be written.
    """
    truths = effects(note_of(app.home))
    found = gather(app, person=person, truths=truths, explanation=EXPLANATION)
    try:
        file.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise HomeError(f"{error.strerror}.", place=str(file)) from error
    return found
