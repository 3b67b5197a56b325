"""What every command shares: the home, the ``--json`` switch and how an answer is shown."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from courtesy.app import App, open_app
from courtesy.ground.primitives.clock import Clock

Json = Annotated[bool, typer.Option("--json", help="Answer with JSON instead of text.")]
console = Console(markup=False)
log_console = Console(stderr=True, markup=False)


def home_of(context: typer.Context) -> Path:
    """The home that ``--home`` or ``COURTESY_HOME`` names; ``courtesy-home`` otherwise."""
    chosen = context.find_root().params.get("home")
    return Path(chosen or os.environ.get("COURTESY_HOME") or "courtesy-home")


@contextmanager
def opened(context: typer.Context, clock: Clock | None = None) -> Iterator[App]:
    """The application on the home of this command, closed at the end of the block."""
    app = open_app(home_of(context), clock=clock)
    try:
        yield app
    finally:
        app.close()


def answer(data: Any, *, json: bool, text: Callable[[], object]) -> None:  # noqa: ANN401 - JSON
    """Write the result: ``data`` as JSON, or what ``text`` returns (a string or a rich table)."""
    if json:
        sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
        sys.stdout.flush()
    else:
        shown = text()
        console.print(shown, soft_wrap=isinstance(shown, str))
