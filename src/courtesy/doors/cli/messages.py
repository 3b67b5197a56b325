"""``courtesy messages``: what was said, and every reason for not saying it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from courtesy import workspace
from courtesy.doors.cli.frame import Json, answer, log_console, opened
from courtesy.doors.web.words import MEANINGS
from courtesy.flow import holds
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.messages import Reason, State, store
from courtesy.stages.messages.outbox import store as outbox
from courtesy.stages.profiles import store as profiles_store

messages = typer.Typer(help="What was said, and every reason for not saying it.")


_STATES = {
    State.QUEUED: "waits for its time, or to be tried again",
    State.HELD: "waits for a time when it may be said",
    State.SENDING: "claimed by a worker right now",
    State.SENT: "taken by the provider",
    State.UNCERTAIN: "handed over, never answered; see: courtesy messages uncertain",
    State.FAILED: "refused by the provider",
    State.REFUSED: "not said, with a reason; see: --by reason",
}


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
    with opened(context) as app:
        with app.ledger.read() as transaction:
            found = _counted(transaction, by)
        waiting = holds(app)
    answer(found, json=json, text=lambda: _table(_explained(found)))
    for hold in waiting:
        log_console.print(str(hold), soft_wrap=True)


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
def held(context: typer.Context, json: Json = False) -> None:
    """Which channels wait for their provider: since when, why, and when they try again."""
    with opened(context) as app:
        found = holds(app)
    answer(found, json=json, text=lambda: "\n".join(map(str, found)) or "None.")


@messages.command()
def uncertain(context: typer.Context, json: Json = False) -> None:
    """Messages that a provider wholly got and never answered: it may have sent them or not."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = outbox.uncertain(transaction)
    columns = ("message_id", "journey", "step", "handed_over_at", "detail")
    short = [{name: row[name] for name in columns} for row in found]
    answer(found, json=json, text=lambda: _table(short))


@messages.command()
def repeat(
    context: typer.Context,
    message_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of uncertain messages.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are uncertain.")] = False,
    json: Json = False,
) -> None:
    """Queue uncertain messages again, under the same Message-ID; some people may get them twice."""
    if bool(message_ids) == every:
        raise InputError("Name the messages to repeat, or say --all.")
    with opened(context) as app, app.ledger.write() as transaction:
        known = {row["message_id"] for row in outbox.uncertain(transaction)}
        chosen = sorted(known) if every else list(message_ids or ())
        if strange := [one for one in chosen if one not in known]:
            raise InputError(f"No uncertain message has the id {strange[0]!r:.80}.")
        count = outbox.repeat(transaction, chosen, app.clock.now())
    answer({"repeated": count}, json=json, text=lambda: f"{count:,} messages are queued again.")


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
    """The counts, with what each state or reason means and asks for."""
    return [row | _meaning(row) for row in map(dict, counts)]


def _meaning(row: Mapping[str, Any]) -> dict[str, str]:
    if "reason" in row:
        return {"meaning": MEANINGS[Reason(row["reason"])]}
    return {"meaning": _STATES[State(row["state"])]} if "state" in row else {}


def _table(rows: Sequence[Mapping[str, Any]]) -> Table | str:
    if not rows:
        return "None."
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    return table


def _shown(value: object) -> str:
    return "" if value is None else str(value)
