"""What every command shares: the home, the ``--json`` switch and how an answer is shown."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from courtesy.ground.primitives.clock import Clock, VirtualClock

if TYPE_CHECKING:
    from courtesy.app import App

Json = Annotated[bool, typer.Option("--json", help="Answer with JSON instead of text.")]
console = Console(markup=False)
log_console = Console(stderr=True, markup=False)


def home_of(context: typer.Context) -> Path:
    """The home that ``--home`` or ``COURTESY_HOME`` names; ``courtesy-home`` otherwise."""
    chosen = context.find_root().params.get("home")
    return Path(chosen or os.environ.get("COURTESY_HOME") or "courtesy-home")


@contextmanager
def opened(context: typer.Context, clock: Clock | None = None) -> Iterator["App"]:
    """The application on the home of this command, closed at the end of the block."""
    from courtesy.app import open_app  # noqa: PLC0415 - slow to load, and help needs none of it
    from courtesy.flow.scratch import virtual_time  # noqa: PLC0415 - same

    home = home_of(context)
    virtual = virtual_time(home)
    if virtual and clock is None:
        clock = VirtualClock(virtual.now)
    app = open_app(home, clock=clock)
    try:
        yield app
    finally:
        app.close()


def say_what_is_missing(app: "App") -> None:
    """Tell on stderr why no message can leave yet, if so, and that they wait."""
    from courtesy.app import missing_to_send  # noqa: PLC0415 - same

    if missing := missing_to_send(app):
        log_console.print(
            "No message can leave yet; what is due waits.", *missing, sep="\n  ", soft_wrap=True
        )


def answer(data: Any, *, json: bool, text: Callable[[], object]) -> None:  # noqa: ANN401 - JSON
    """Write the result: ``data`` as JSON, or what ``text`` returns (a string or a rich table)."""
    if json:
        sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
        sys.stdout.flush()
    else:
        shown = text()
        console.print(shown, soft_wrap=isinstance(shown, str))
