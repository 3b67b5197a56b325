"""``courtesy people``: who is known."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
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
        found = dict(profiles_store.person(transaction, person, app.clock.now()))
        found |= journeys_store.of_person(transaction, found["person_id"])
        found["messages"] = messages_store.of_person(transaction, found["person_id"])
    answer(found, json=json, text=lambda: _lines(found))


def _lines(person: Mapping[str, Any]) -> str:
    """One part after the other; each entry of a list on a line of its own."""
    return "\n".join(line for name, part in person.items() for line in _part(name, part))


def _part(name: str, part: object) -> Iterator[str]:
    if not isinstance(part, (Mapping, list)):
        yield f"{name}: {_plain(part)}"
        return
    yield f"{name}:" if part else f"{name}: none"
    if isinstance(part, Mapping):
        yield from (f"  {key}: {_plain(value)}" for key, value in part.items())
    else:
        yield from (f"  {_entry(one)}" for one in part)


def _entry(one: object) -> str:
    if not isinstance(one, Mapping):
        return _plain(one)
    return ", ".join(f"{key} {_plain(value)}" for key, value in one.items() if value is not None)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
