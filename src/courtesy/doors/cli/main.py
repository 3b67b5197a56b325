"""The command ``courtesy``: its groups, its errors, its exit codes."""

import sys
from typing import Annotated

import structlog
import typer
from rich.text import Text

from courtesy.app import make_home
from courtesy.doors.cli.audiences import audiences
from courtesy.doors.cli.definitions import apply, plan
from courtesy.doors.cli.demo import demo
from courtesy.doors.cli.events import events
from courtesy.doors.cli.experiments import experiments
from courtesy.doors.cli.frame import Json, answer, home_of, log_console
from courtesy.doors.cli.imports import imports
from courtesy.doors.cli.journeys import journeys
from courtesy.doors.cli.keys import keys
from courtesy.doors.cli.lift import lift
from courtesy.doors.cli.messages import messages
from courtesy.doors.cli.people import people
from courtesy.doors.cli.replay import replay
from courtesy.doors.cli.report import report
from courtesy.doors.cli.serve import serve
from courtesy.ground.primitives.errors import CourtesyError

commands = typer.Typer(
    help="Permitted contacts, measured effects, visible use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@commands.callback()
def _home(
    home: Annotated[
        str | None, typer.Option(help="The home folder (or COURTESY_HOME; else courtesy-home).")
    ] = None,
) -> None:
    """Permitted contacts, measured effects, visible use."""


@commands.command()
def init(context: typer.Context, json: Json = False) -> None:
    """Make a home, or bring one to the newest version."""
    home = home_of(context)
    make_home(home)
    answer({"home": str(home)}, json=json, text=lambda: f"Home: {home}")


for name, group in {
    "keys": keys,
    "import": imports,
    "events": events,
    "people": people,
    "audiences": audiences,
    "journeys": journeys,
    "experiments": experiments,
    "messages": messages,
    "lift": lift,
}.items():
    commands.add_typer(group, name=name)
for command in (plan, apply, serve, replay, report, demo):
    commands.command()(command)


def main() -> None:
    """Run one command; exits with 0 only on success."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        commands()
    except CourtesyError as error:
        sentence = Text.assemble(("Error: ", "bold red"), error.message)
        log_console.print(sentence, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
