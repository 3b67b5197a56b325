"""The command ``courtesy``: its home, its errors, its exit codes."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from courtesy.doors.cli.commands import Commands
from courtesy.doors.cli.frame import log_console
from courtesy.ground.primitives.errors import CourtesyError

commands = typer.Typer(
    cls=Commands,
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


def main() -> None:
    """Run one command; exits with 0 only on success."""
    try:
        commands()
    except CourtesyError as error:
        sentence = Text.assemble(("Error: ", "bold red"), error.message)
        log_console.print(sentence, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
