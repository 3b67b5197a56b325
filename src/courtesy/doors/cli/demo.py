"""``courtesy demo``: an invented shop with simulated customers, from start to end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from courtesy.app import open_app
from courtesy.doors.cli.frame import Json, answer, home_of, log_console
from courtesy.doors.cli.report import write
from courtesy.doors.demo.home import Note
from courtesy.doors.web import Report
from courtesy.doors.web.figures import count, points
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import InputError

_DAY = 24


def demo(  # noqa: PLR0913, PLR0917 - one argument for each option
    context: typer.Context,
    report: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    people: Annotated[int, typer.Option(min=1, help="How many people to simulate.")] = 20_000,
    days: Annotated[int, typer.Option(min=1, help="How many days to simulate.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another luck.")] = 1,
    json: Json = False,
) -> None:
    """Simulate an invented coffee shop, its customers and their mail, and report on it.

    Everything goes through the real system: the HTTP API takes the events in, a mail server on this
    machine takes the mail, and the simulated people open, follow and refuse it.
    """
    home = home_of(context)
    note = _simulated(home, people, days, seed)
    app = open_app(home, clock=VirtualClock(note.end))
    try:
        found = write(app, report, pages=True)
    finally:
        app.close()
    answer(_data(home, report, found), json=json, text=lambda: _text(home, report, note, found))


def _simulated(home: Path, people: int, days: int, seed: int) -> Note:
    try:
        from courtesy.doors.demo.drive import run  # noqa: PLC0415 - needs the extra "demo"
        from courtesy.doors.demo.world import Scale  # noqa: PLC0415 - same
    except ModuleNotFoundError as error:
        detail = f"It needs {error.name}; install it with: pip install 'courtesy[demo]'"
        raise InputError(detail, place="demo") from None
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=log_console, transient=True) as progress:
        task = progress.add_task(f"{people:,} people, {days} days", total=days * _DAY)
        with _only_warnings():
            return run(
                home, Scale(people, days, seed), lambda hour: progress.update(task, completed=hour)
            )


@contextmanager
def _only_warnings() -> Iterator[None]:
    """What a server says every night would hide the progress here."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)


def _data(home: Path, report: Path, found: Report) -> dict[str, Any]:
    return {
        "home": str(home),
        "report": str(report),
        "people": found.people,
        "events": found.events,
        "sent": found.sent,
        "not_sent": {one.reason: one.messages for one in found.silences if one.messages},
        "journeys": [
            {
                "journey": one.journey,
                "effect": one.effect,
                "low": one.low,
                "high": one.high,
                "true_effect": one.true_effect,
            }
            for one in found.measured
        ],
        "experiments": [
            {
                "experiment": one.findings.lift.name,
                "verdict": one.findings.verdict.tone,
                "said": one.findings.verdict.sentence,
                "metric": arm.metric,
                "arm": arm.arm,
                "effect": arm.effect,
                "low": arm.effect_low,
                "high": arm.effect_high,
                "true_effect": one.true_effect,
                "page": str(report.with_name(one.page)),
            }
            for one in found.tried
            for arm in one.findings.deciding
        ],
    }


def _text(home: Path, report: Path, note: Note, found: Report) -> str:
    lines = [
        f"{count(found.people)} people, {note.days} days, {count(found.events)} events.",
        f"{count(found.sent)} messages sent, {count(found.silent)} not, each with its reason.",
        "",
        "More people of a hundred who reached the goal, because of the journey:",
        *(
            f"  {one.journey}: {points(one.effect)}, 95% interval {points(one.low)} to "
            f"{points(one.high)}; in truth {points(one.true_effect)}"
            for one in found.measured
        ),
        *_tried(found),
        "",
        f"The report: {report}",
        *(f"  of {one.findings.lift.name}: {report.with_name(one.page)}" for one in found.tried),
        "",
        "Look around in it:",
        "  make serve",
        f"  courtesy --home {home} people list",
        "Bring your own data:",
        "  courtesy --home my-home init",
        "  courtesy --home my-home import people FILE --mapping MAPPING.yaml",
        "  courtesy --home my-home apply FOLDER",
    ]
    return "\n".join(lines)


def _tried(found: Report) -> Iterator[str]:
    """One line for each arm of each experiment."""
    for one in found.tried:
        it = one.findings
        yield ""
        yield f"The test {it.lift.name}: {it.verdict.sentence}"
        for arm in it.deciding:
            yield (
                f"  {arm.metric}: {points(arm.effect)}, {it.sure} interval "
                f"{points(arm.effect_low)} to {points(arm.effect_high)}; "
                f"in truth {points(one.true_effect)}"
            )
