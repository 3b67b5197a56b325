"""The command ``courtesy``: its groups, its errors, its exit codes."""

import sys
from typing import Annotated

import typer

from courtesy.app import make_home
from courtesy.doors.cli.frame import Json, answer, home_of, log_console
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


def main() -> None:
    """Run one command; exits with 0 only on success."""
    try:
        commands()
    except CourtesyError as error:
        log_console.print(f"[bold red]Error:[/] {error.message}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
