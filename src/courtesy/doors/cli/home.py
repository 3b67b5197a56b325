"""A home as a whole: kept, made again, and mended where its parts do not belong together."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from courtesy.app import open_parts
from courtesy.doors.cli.frame import Json, answer, home_of, opened
from courtesy.flow import Repaired
from courtesy.flow import repair as mend
from courtesy.flow.backup import Manifest, back_up
from courtesy.flow.backup import restore as make_again
from courtesy.ground.primitives.clock import SystemClock


def repair(context: typer.Context, json: Json = False) -> None:
    """Make a ledger and a lake belong together, of which one is older or of another home.

    Stop the server first. What the lake knows is learned again; nothing is sent.
    """
    app = open_parts(home_of(context))
    try:
        done = mend(app)
    finally:
        app.close()
    answer(asdict(done), json=json, text=lambda: _shown(done))


def backup(
    context: typer.Context,
    into: Annotated[
        Path, typer.Argument(help="A new folder, or a new file *.tar, *.tar.gz, *.tgz.")
    ],
    json: Json = False,
) -> None:
    """Keep the whole home, also while it is served. It holds the secret: keep it safe."""
    with opened(context) as app:
        made = back_up(app, into)
    answer({"backup": str(into), **_told(made)}, json=json, text=lambda: _kept(into, made))


def restore(
    context: typer.Context,
    backup: Annotated[Path, typer.Argument(help="What courtesy backup made.")],
    json: Json = False,
) -> None:
    """Make the home of a backup, once every byte of it is checked; the home must be a new one."""
    home = home_of(context)
    made = make_again(backup, home, SystemClock())
    said = {"home": str(home), **_told(made)}
    answer(said, json=json, text=lambda: f"{_kept(home, made)} A new epoch has begun.")


def _told(made: Manifest) -> dict[str, object]:
    told = msgspec.structs.asdict(made)
    return told | {"files": len(made.files), "bytes": sum(file.bytes for file in made.files)}


def _kept(where: Path, made: Manifest) -> str:
    return (
        f"{where}: {made.people:,} people and {made.events:,} events as of {made.made_at}, "
        f"{len(made.files):,} files, {sum(file.bytes for file in made.files):,} bytes."
    )


def _shown(done: Repaired) -> Table | str:
    if not done.reason:
        return "The ledger and the lake belong together; there is nothing to repair."
    table = Table("found", "count", "done", caption=f"{done.reason}. A new epoch has begun.")
    for found in done.found:
        table.add_row(found.what, f"{found.count:,}", found.done if found.count else "")
    return table
