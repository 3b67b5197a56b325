"""``courtesy report``: everything that happened in a home, as one page."""

from pathlib import Path
from typing import Annotated

import typer

from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.doors.cli.moment import At, as_of
from courtesy.doors.demo.home import effects, note_of
from courtesy.doors.demo.truth import EXPLANATION
from courtesy.doors.web import Report, experiment, gather, page
from courtesy.ground.primitives.errors import InputError


def report(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The HTML file to write.")],
    person: Annotated[
        str | None, typer.Option(help="Whose story to tell; else who has most to tell.")
    ] = None,
    at: At = None,
    json: Json = False,
) -> None:
    """Write a page with everything that was said, what was not and why, and whether it helped."""
    with opened(context, as_of(context, at)) as app:
        found = write(app, file, person)
    data = {"report": str(file), "people": found.people, "sent": found.sent}
    answer(data, json=json, text=lambda: f"Report: {file}")


def write(app: App, file: Path, person: str | None = None, *, pages: bool = False) -> Report:
    """Gather the report of a home and write it to a file; returns what stands in it.

    Args:
        app: the home.
        file: the HTML file.
        person: whose story to tell; who has most to tell when None.
        pages: whether each experiment gets a page of its own beside the file.

    Raises:
        NotFoundError: nobody is called ``person``.
        InputError: a file cannot be written.
    """
    truths = effects(note_of(app.home))
    stem = file.stem if pages else ""
    found = gather(app, person=person, truths=truths, explanation=EXPLANATION, pages=stem)
    try:
        file.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{error.strerror}.", place=str(file)) from error
    for one in found.tried:
        if one.page:
            experiment.write(one.findings, file.with_name(one.page))
    return found
