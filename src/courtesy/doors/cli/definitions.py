"""``courtesy plan`` and ``courtesy apply``: definitions from a folder into force."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from courtesy import workspace
from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, log_console, opened, say_what_is_missing
from courtesy.flow.outlook import notices_of
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.workspace import Change, Notice

Folder = Annotated[
    Path, typer.Argument(help="The workspace: policy.yaml, audiences, journeys, templates.")
]


Strict = Annotated[bool, typer.Option("--strict", help="Take notices for errors.")]


def plan(
    context: typer.Context, folder: Folder, strict: Strict = False, json: Json = False
) -> None:
    """Check a workspace folder and show what applying it would change."""
    with opened(context) as app, app.ledger.read() as transaction:
        changes = workspace.plan(transaction, folder)
        notices = notices_of(app, transaction, folder)
        _say_what_is_missing(app, transaction, changes)
    _show(changes, notices, json=json, difference=True)
    if notices and strict:
        raise DefinitionError(f"{len(notices):,} notices, and --strict takes none.")


def apply(context: typer.Context, folder: Folder, json: Json = False) -> None:
    """Put a workspace folder in force; people in flight stay on the version they entered."""
    with opened(context) as app, app.ledger.write() as transaction:
        changes = workspace.apply(transaction, folder, app.clock.now())
        notices = notices_of(app, transaction, folder)
        _say_what_is_missing(app, transaction, changes)
    _show(changes, notices, json=json, difference=False)


def _say_what_is_missing(app: App, transaction: Transaction, changes: Sequence[Change]) -> None:
    """Where journeys are or come into force, also tell what keeps their messages in."""
    coming = any(one.kind == "journey" and one.action != "retire" for one in changes)
    if coming or workspace.in_force(transaction).journeys:
        say_what_is_missing(app)


def _show(
    changes: Sequence[Change], notices: Sequence[Notice], *, json: bool, difference: bool
) -> None:
    for notice in notices:
        log_console.print(f"Notice: {notice}", highlight=False, soft_wrap=True)
    data = [
        {"action": c.action, "kind": c.kind, "name": c.name, "version": c.version}
        | ({"difference": c.difference} if difference else {})
        | ({"why": c.why} if c.why else {})
        for c in changes
    ]
    told = [{"place": one.place, "message": one.detail} for one in notices]
    answer(
        {"changes": data, "notices": told},
        json=json,
        text=lambda: _text(changes, difference=difference),
    )


def _text(changes: Sequence[Change], *, difference: bool) -> str:
    if not changes:
        return "Nothing to change."
    lines = []
    for change in changes:
        why = f": {change.why}" if change.why else ""
        lines.append(f"{change.action} {change.kind} {change.name} (version {change.version}){why}")
        if difference and change.difference:
            lines.append(change.difference)
    return "\n".join(lines)
