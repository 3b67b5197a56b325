"""``courtesy people``: who is known."""

from typing import Annotated

import typer
from rich.table import Table

from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import store as messages_store
from courtesy.stages.profiles import store as profiles_store

people = typer.Typer(help="Who is known, what they are like and what they allow.")


@people.command()
def count(context: typer.Context, json: Json = False) -> None:
    """How many people there are."""
    with opened(context) as app, app.ledger.read() as transaction:
        number = profiles_store.count(transaction)
    answer({"count": number}, json=json, text=lambda: f"{number:,} people")


@people.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    json: Json = False,
) -> None:
    """The people known longest."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = profiles_store.listed(transaction, limit)
    table = Table("person_id", "user_id", "known since")
    for row in found:
        table.add_row(row["person_id"], row["user_id"] or "", f"{row['created_at']:%Y-%m-%d %H:%M}")
    answer(found, json=json, text=lambda: table)


@people.command()
def show(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="A user id, an anonymous id or a person_id.")],
    json: Json = False,
) -> None:
    """One person: identifiers, traits, consents, journeys and messages, with every reason."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = dict(profiles_store.person(transaction, person))
        found |= journeys_store.of_person(transaction, found["person_id"])
        found["messages"] = messages_store.of_person(transaction, found["person_id"])
    answer(found, json=json, text=lambda: found)
