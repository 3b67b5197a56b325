"""``courtesy plan`` and ``courtesy apply``: definitions from a folder into force."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from courtesy import workspace
from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, opened, say_what_is_missing
from courtesy.ground.ledger import Transaction
from courtesy.workspace import Change

Folder = Annotated[
    Path, typer.Argument(help="The workspace: policy.yaml, audiences, journeys, templates.")
]


def plan(context: typer.Context, folder: Folder, json: Json = False) -> None:
    """Check a workspace folder and show what applying it would change."""
    with opened(context) as app, app.ledger.read() as transaction:
        changes = workspace.plan(transaction, folder)
        _say_what_is_missing(app, transaction, changes)
    _show(changes, json=json, difference=True)


def apply(context: typer.Context, folder: Folder, json: Json = False) -> None:
    """Put a workspace folder in force; people in flight stay on the version they entered."""
    with opened(context) as app, app.ledger.write() as transaction:
        changes = workspace.apply(transaction, folder, app.clock.now())
        _say_what_is_missing(app, transaction, changes)
    _show(changes, json=json, difference=False)


def _say_what_is_missing(app: App, transaction: Transaction, changes: Sequence[Change]) -> None:
    """Where journeys are or come into force, also tell what keeps their messages in."""
    coming = any(one.kind == "journey" and one.action != "retire" for one in changes)
    if coming or workspace.in_force(transaction).journeys:
        say_what_is_missing(app)


def _show(changes: Sequence[Change], *, json: bool, difference: bool) -> None:
    data = [
        {"action": c.action, "kind": c.kind, "name": c.name, "version": c.version}
        | ({"difference": c.difference} if difference else {})
        | ({"why": c.why} if c.why else {})
        for c in changes
    ]
    answer({"changes": data}, json=json, text=lambda: _text(changes, difference=difference))


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
