"""``courtesy messages``: what was said, and every reason for not saying it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from courtesy import workspace
from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.doors.web.words import MEANINGS
from courtesy.ground.ledger import Transaction
from courtesy.stages.messages import Reason, store
from courtesy.stages.profiles import store as profiles_store

messages = typer.Typer(help="What was said, and every reason for not saying it.")


class By(StrEnum):
    """What messages can be counted by."""

    STATE = "state"
    REASON = "reason"
    CHANNEL = "channel"


@messages.command()
def count(
    context: typer.Context,
    by: Annotated[
        By, typer.Option(help="State, reason, or channel and hour of the day.")
    ] = By.STATE,
    json: Json = False,
) -> None:
    """How many messages there are: by state, by the reason for not sending, or where and when.

    By channel counts what was sent by the hour of each person's own day.
    """
    with opened(context) as app, app.ledger.read() as transaction:
        found = _counted(transaction, by)
    answer(found, json=json, text=lambda: _table(_explained(found)))


@messages.command("list")
def list_(
    context: typer.Context,
    person: Annotated[str, typer.Option(help="A user id, an anonymous id or a person_id.")],
    json: Json = False,
) -> None:
    """Every message for one person, oldest first."""
    with opened(context) as app, app.ledger.read() as transaction:
        person_id = profiles_store.find(transaction, person)
        found = store.of_person(transaction, person_id)
    columns = ("message_id", "created_at", "journey", "step", "channel", "state", "reason")
    short = [{name: row[name] for name in columns} for row in found]
    answer(found, json=json, text=lambda: _table(short))


@messages.command()
def show(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="The id of a message.")],
    json: Json = False,
) -> None:
    """One message with its receipts."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = store.message(transaction, message_id)
    fields = [{"field": name, "value": _shown(value)} for name, value in found.items()]
    answer(found, json=json, text=lambda: _table(fields))


@messages.command()
def suppressions(context: typer.Context, json: Json = False) -> None:
    """How many addresses nothing is sent to any more, and why."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = store.suppressions(transaction)
    answer(found, json=json, text=lambda: _table(found))


def _counted(transaction: Transaction, by: By) -> Sequence[Mapping[str, Any]]:
    if by is By.CHANNEL:
        policy = workspace.in_force(transaction).policy
        zone = policy.default_time_zone if policy else None
        return store.count_by_hour(transaction, zone).to_dicts()
    query = store.count_by_state if by is By.STATE else store.count_by_reason
    return [{by.value: row["name"], "messages": row["messages"]} for row in query(transaction)]


def _explained(counts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The counts, with what each reason means and asks for."""
    return [
        {**row, "meaning": MEANINGS[Reason(row["reason"])]} if "reason" in row else row
        for row in counts
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> Table | str:
    if not rows:
        return "None."
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    return table


def _shown(value: object) -> str:
    return "" if value is None else str(value)
