"""``courtesy audiences``: which there are, how many people they mean, and why somebody is meant."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.flow import refresh as refresh_all
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.audiences import Audience, evaluate, explain, population, store
from courtesy.stages.profiles import store as profiles

Name = Annotated[str, typer.Argument(help="The audience's name.")]

audiences = typer.Typer(help="Groups of people, and why somebody is in one.", no_args_is_help=True)


@audiences.command("list")
def list_audiences(context: typer.Context, json: Json = False) -> None:
    """The audiences in force, with their members as of the last refresh."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = store.in_force(transaction).values()
        counts = store.counts(transaction)
    rows = [
        {
            "audience": one.name,
            "members": counts.get(one.name, 0),
            "owner": one.owner,
            "description": one.description,
        }
        for one in sorted(found, key=lambda one: one.name)
    ]
    answer(
        rows, json=json, text=lambda: _table(("audience", "members", "owner", "description"), rows)
    )


@audiences.command()
def count(context: typer.Context, name: Name, json: Json = False) -> None:
    """How many people an audience means now, and how many were members at the last refresh."""
    with opened(context) as app, app.ledger.read() as transaction:
        audience = _named(transaction, name)
        given = population(transaction)
        conditions = {"meant": audience.when}
        now = app.clock.now()
        found = evaluate(transaction, app.engine, conditions, given, now, everyone=True)
        members = store.counts(transaction).get(name, 0)
    meant = int(found["meant"].sum())
    data = {"audience": name, "count": meant, "members": members}
    answer(data, json=json, text=lambda: f"{name}: {meant} now, {members} at the last refresh")


@audiences.command("explain")
def explain_person(
    context: typer.Context,
    name: Name,
    person: Annotated[str, typer.Argument(help="A user id, an anonymous id or a person's id.")],
    json: Json = False,
) -> None:
    """Why a person is meant by an audience, or not: each leaf of its condition with evidence."""
    with opened(context) as app, app.ledger.read() as transaction:
        audience = _named(transaction, name)
        person_id = profiles.find(transaction, person)
        found = explain(transaction, app.engine, audience, person_id, app.clock.now())
    rows = found.leaves.to_dicts()
    data = {
        "audience": name,
        "person_id": person_id,
        "holds": found.holds,
        "member_since": found.member_since,
        "leaves": rows,
    }
    title = _title(name, person, found.holds, found.member_since)
    columns = ("path", "leaf", "holds", "evidence")
    answer(data, json=json, text=lambda: _table(columns, rows, title))


@audiences.command()
def refresh(context: typer.Context, json: Json = False) -> None:
    """Bring every audience up to date now; who joins enters the journeys that wait for them."""
    with opened(context) as app:
        changes = refresh_all(app)
    rows = [
        {"audience": name, "joined": joined, "left": left}
        for name, (joined, left) in changes.items()
    ]
    answer(rows, json=json, text=lambda: _table(("audience", "joined", "left"), rows))


def _named(transaction: Transaction, name: str) -> Audience:
    known = store.in_force(transaction)
    if name not in known:
        there = ", ".join(sorted(known)) or "none; courtesy apply puts a workspace in force"
        raise NotFoundError(f"No audience is called {name!r}. There is: {there}.")
    return known[name]


def _title(name: str, person: str, holds: bool, since: datetime | None) -> str:
    member = f"a member since {since:%Y-%m-%d %H:%M} UTC" if since else "not a member"
    return f"{name} {'means' if holds else 'does not mean'} {person} ({member})"


def _table(columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    table = Table(*columns, title=Text(title) if title else None)
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    return table


def _cell(value: object) -> Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    return Text("" if value is None else str(value))
