"""``courtesy journeys``: who is where; pausing a journey, and stopping it."""

from dataclasses import asdict
from getpass import getuser
from typing import Annotated

import typer
from rich.table import Table

from courtesy import workspace
from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.flow.halt import Halted, describe_journey, pause_journey, resume_journey, stop_journey
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages.outbox import store as outbox_store

journeys = typer.Typer(help="Journeys in force, and where people are in them.")

Name = Annotated[str, typer.Argument(help="The journey's name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; else it is only said what would happen.")]


@journeys.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The journeys in force, whether they run, and who is inside."""
    with opened(context) as app, app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        states = journeys_store.states(transaction)
        waiting = outbox_store.waiting_by_journey(transaction)
        people: dict[str, int] = {}
        for row in journeys_store.standing_at(transaction):
            people[row["journey"]] = people.get(row["journey"], 0) + int(row["people"])
    found = [
        {
            "journey": name,
            "version": definitions.numbers[name],
            "state": states.get(name, "running"),
            "people": people.get(name, 0),
            "waiting_messages": waiting.get(name, 0),
            "owner": journey.owner,
            "topic": journey.topic,
            "holdout": journey.holdout,
        }
        for name, journey in definitions.journeys.items()
    ]
    table = Table("journey", "version", "state", "people", "waiting", "owner", "topic", "holdout")
    for row in found:
        table.add_row(*(str(value) if value is not None else "" for value in row.values()))
    answer(found, json=json, text=lambda: table)


@journeys.command()
def show(context: typer.Context, name: Name, json: Json = False) -> None:
    """One journey: whether it runs, who stands where, what waits, and who halted it when."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = describe_journey(transaction, name)
    changes = [
        f"  {one['changed_at']:%Y-%m-%d %H:%M} {one['state']}"
        + (f" by {one['changed_by']}" if one["changed_by"] else "")
        for one in found["changes"]
    ]
    places = [f"  {step}: {people:,}" for step, people in found["steps"].items()]
    lines = [
        f"{name} (version {found['version'] or 'none in force'}) is {found['state']}.",
        f"{found['people']:,} people are inside, by the step that they come to next:",
        *places,
        f"{found['waiting_messages']:,} messages wait.",
        *(["Changes:", *changes] if changes else []),
    ]
    answer(found, json=json, text=lambda: "\n".join(lines))


@journeys.command()
def count(context: typer.Context, json: Json = False) -> None:
    """How many people are in each journey, in which arm, and how they left."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = journeys_store.counts(transaction)
    table = Table("journey", "version", "arm", "state", "reason", "enrollments")
    for row in found:
        table.add_row(*(str(value) for value in row.values()))
    answer(found, json=json, text=lambda: table)


@journeys.command()
def pause(context: typer.Context, name: Name, json: Json = False) -> None:
    """Let nobody enter or move on, and keep waiting messages in; waits and expiry run on."""
    with opened(context) as app:
        done = pause_journey(app, name, _login())
    said = (
        f"{name} is paused: {done.people:,} people stay where they are, {done.messages:,} messages "
        f"wait. courtesy journeys resume {name} lets them go on."
    )
    answer(asdict(done), json=json, text=lambda: said)


@journeys.command()
def resume(context: typer.Context, name: Name, json: Json = False) -> None:
    """Let a paused or stopped journey run again."""
    with opened(context) as app:
        done = resume_journey(app, name, _login())
    said = (
        f"{name} runs: {done.people:,} people are inside, {done.messages:,} messages are judged "
        "anew and go out."
    )
    answer(asdict(done), json=json, text=lambda: said)


@journeys.command()
def stop(context: typer.Context, name: Name, yes: Yes = False, json: Json = False) -> None:
    """Close a journey: who is inside leaves as stopped, waiting messages are recalled."""
    with opened(context) as app:
        done = stop_journey(app, name, _login(), dry=not yes)
    if not yes:
        raise InputError(f"{_stopped(done, 'would leave', 'would be')} Say --yes to do it.")
    answer(asdict(done), json=json, text=lambda: f"{name} is stopped: {_stopped(done)}")


def _login() -> str:
    """The name of whoever is logged in at this machine, where it has one."""
    try:
        return getuser()
    except (KeyError, OSError):
        return ""


def _stopped(done: Halted, leave: str = "left", are: str = "are") -> str:
    return (
        f"{done.people:,} people {leave} (reason stopped), {done.messages:,} waiting messages "
        f"{are} refused (reason recalled). What is at a provider already cannot be recalled."
    )
