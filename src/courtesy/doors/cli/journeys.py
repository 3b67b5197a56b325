"""``courtesy journeys``: who is where."""

import typer
from rich.table import Table

from courtesy import workspace
from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.stages.journeys import store as journeys_store

journeys = typer.Typer(help="Journeys in force, and where people are in them.")


@journeys.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The journeys in force."""
    with opened(context) as app, app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
    found = [
        {
            "journey": name,
            "version": definitions.numbers[name],
            "owner": journey.owner,
            "topic": journey.topic,
            "holdout": journey.holdout,
        }
        for name, journey in definitions.journeys.items()
    ]
    table = Table("journey", "version", "owner", "topic", "holdout")
    for row in found:
        table.add_row(*(str(value) if value is not None else "" for value in row.values()))
    answer(found, json=json, text=lambda: table)


@journeys.command()
def count(context: typer.Context, json: Json = False) -> None:
    """How many people are in each journey, in which arm, and how they left."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = journeys_store.counts(transaction)
    table = Table("journey", "version", "arm", "state", "reason", "enrollments")
    for row in found:
        table.add_row(*(str(value) for value in row.values()))
    answer(found, json=json, text=lambda: table)
