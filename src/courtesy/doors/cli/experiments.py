"""``courtesy experiments``: which there are, the plan of a pilot, its start and its end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Column, Table
from rich.text import Text

from courtesy import flow
from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.doors.cli.moment import At, as_of
from courtesy.doors.web.experiment import write_experiment
from courtesy.flow.pilots.listing import Listed
from courtesy.stages.experiments import store
from courtesy.stages.lift.size import Size

_MUCH = 1_000
Name = Annotated[str, typer.Argument(help="The experiment's name.")]

experiments = typer.Typer(
    help="Experiments and holdouts: who is in which arm, what was planned, what was learned.",
    no_args_is_help=True,
)


@experiments.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The experiments and holdouts in force, and how many people each arm has so far."""
    with opened(context) as app:
        found = flow.listed(app)
    answer([asdict(one) for one in found], json=json, text=lambda: _listed(found))


@experiments.command()
def show(context: typer.Context, name: Name, at: At = None, json: Json = False) -> None:
    """The definition of an experiment, where it stands, and its plan beside the facts."""
    with opened(context, as_of(context, at)) as app:
        found = flow.shown(app, name)
    answer(found, json=json, text=lambda: Text("\n".join(_shown(found))))


@experiments.command()
def plan(context: typer.Context, name: Name, json: Json = False) -> None:
    """How many people and days a pilot needs, from what people like these did before."""
    with opened(context) as app:
        found = flow.size_of(app, name)
    answer(asdict(found), json=json, text=lambda: Text("\n".join(_sized(found))))


@experiments.command()
def start(
    context: typer.Context,
    name: Name,
    people: Annotated[
        int | None, typer.Option(help="Plan for so many, whatever the history says.")
    ] = None,
    json: Json = False,
) -> None:
    """Freeze the plan of a pilot and begin: from now on people take part."""
    with opened(context) as app:
        standing = flow.start_pilot(app, name, people)
    plan = msgspec.json.decode(standing.plan)
    data = {"experiment": name, "started_at": standing.started_at, "plan": plan}
    answer(data, json=json, text=lambda: Text("\n".join(_started(name, plan))))


@experiments.command()
def stop(
    context: typer.Context,
    name: Name,
    keep: Annotated[
        str | None, typer.Option(help="The arm that everybody gets; the control otherwise.")
    ] = None,
    learned: Annotated[str, typer.Option(help="What this taught, for those who come later.")] = "",
    json: Json = False,
) -> None:
    """End a pilot: everybody gets one arm, the verdict and what was learned are kept."""
    with opened(context) as app:
        ended = flow.stop_pilot(app, name, keep=keep, learned=learned)
    data = {
        "experiment": name,
        "kept": ended.kept,
        "verdict": ended.verdict,
        "stopped_at": ended.stopped_at,
    }
    said = f"{name}: {ended.verdict}\nEverybody gets {ended.kept}."
    answer(data, json=json, text=lambda: Text(said))


@experiments.command()
def learnings(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(help="Only what holds all of these words.")
    ] = None,
    json: Json = False,
) -> None:
    """What earlier experiments taught, the newest first."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = store.learnings(transaction, " ".join(words or ()))
    rows = [asdict(one) | {"result": msgspec.json.decode(one.result)} for one in found]
    columns = ("learned_at", "experiment", "owner", "hypothesis", "verdict", "learned")
    nothing = "Nothing that holds these words." if words else "Nothing was learned so far."
    answer(rows, json=json, text=lambda: _table(columns, rows) if rows else nothing)


@experiments.command()
def report(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path, typer.Argument(help="The file to write: a page (.html), a picture (.svg or .png).")
    ],
    at: At = None,
    json: Json = False,
) -> None:
    """Write a page or a picture that says in one sentence what came of an experiment, and why."""
    with opened(context, as_of(context, at)) as app:
        found = write_experiment(app, name, file)
    said = found.verdict.sentence
    data = {"report": str(file), "experiment": name, "verdict": found.verdict.tone, "said": said}
    answer(data, json=json, text=lambda: f"Report: {file}\n{said}")


@experiments.command()
def assign(
    context: typer.Context,
    name: Name,
    people: Annotated[list[str], typer.Argument(help="User ids, anonymous ids or ids of people.")],
    json: Json = False,
) -> None:
    """Which arm somebody has, and why; asking exposes nobody."""
    with opened(context) as app:
        rows = [asdict(one) for one in flow.assigned(app, name, people)]
    columns = ("person", "arm", "takes_part", "reason", "detail")
    answer(rows, json=json, text=lambda: _table(columns, rows))


def _listed(found: Sequence[Listed]) -> Table:
    columns = ("experiment", "owner", "acts", "arms", "state", "people")
    rows = [
        asdict(one)
        | {
            "arms": _shares(one.arms),
            "people": ", ".join(f"{arm} {number:,}" for arm, number in one.people.items()),
        }
        for one in found
    ]
    return _table(columns, rows)


def _sized(size: Size) -> Iterator[str]:
    relative = f" ({size.relative:+.2%})" if size.relative is not None else ""
    yield f"{size.metric}: {size.baseline:.4g} on average, deviation {size.deviation:.4g},"
    yield f"  of {size.people_seen:,} people like these"
    yield f"to find {size.effect:+.4g}{relative}, power {size.power:.0%}, alpha {size.alpha:.1%}"
    if size.comparisons > 1:
        yield f"  shared by {size.comparisons} comparisons with the control"
    if size.cuped_gain is not None:
        yield f"what people did before explains {size.cuped_gain:.1%} of the variance"
    if size.people_of_unit > 1:
        yield f"chance assigns clusters, of {size.people_of_unit:.2f} people on average"
    yield from _counted(size.counted, size.left_out)
    yield f"{size.people_a_day:,.1f} people a day can take part, before traffic and layers"
    for one in size.needed:
        arms = ", ".join(f"{arm} {people:,}" for arm, people in one.arms.items())
        days = "at no pace" if one.days is None else f"{one.days:,} days"
        looks = "one look" if one.rule == "fixed" else "any number of looks"
        yield f"{one.people:,} people for {looks} ({arms}): {days}"
        if one.days is None or one.days > size.longest:
            yield f"  ! longer than the {size.longest:g} days that the plan allows"


def _counted(counted: Sequence[str], left_out: Sequence[str]) -> Iterator[str]:
    """Which people the figures come from, and what was not looked at."""
    yield from (f"counted: {said}" for said in counted)
    yield from (f"not counted: {said}" for said in left_out)


def _started(name: str, plan: Mapping[str, Any]) -> Iterator[str]:
    yield f"{name} runs; its plan is frozen."
    days = f" in {plan['days_needed']:,} days" if plan["days_needed"] is not None else ""
    yield f"It needs {plan['people_needed']:,} people{days}."
    yield f"It ends after {plan['longest']:g} days at the latest."
    if (plan["days_needed"] or 0) > plan["longest"]:
        yield "  ! so its time is over before its people are there"
    yield from _counted(plan["counted"], plan["not_counted"])


def _shown(found: Mapping[str, Any]) -> Iterator[str]:
    for field in ("experiment", "owner", "description", "acts", "state"):
        if found[field]:
            yield f"{field}: {found[field]}"
    if found["arms"]:
        yield f"arms: {_shares(found['arms'])}"
    yield from (f"people in {arm}: {number:,}" for arm, number in found["people"].items())
    for field in ("started_at", "stopped_at"):
        if found[field]:
            yield f"{field.removesuffix('_at')}: {found[field]:%Y-%m-%d %H:%M} UTC"
    yield from (f"{field}: {found[field]}" for field in ("kept", "verdict") if found[field])
    if found["plan"]:
        yield f"hypothesis: {found['plan']['hypothesis']}"
        yield from (f"if {case}: {what}" for case, what in found["plan"]["decisions"].items())
        yield from _counted(found["plan"].get("counted", ()), found["plan"].get("not_counted", ()))
    yield from map(_beside, found["beside"])


def _shares(arms: Mapping[str, float]) -> str:
    return ", ".join(f"{arm} {100 * share:.4g}%" for arm, share in arms.items())


def _beside(row: Mapping[str, Any]) -> str:
    what = " ".join(row[part] for part in ("figure", "metric", "arm") if row[part])
    what = what.replace("sample_ratio", "p-value of the sample ratio")
    ends = f" ({_number(row['low'])} to {_number(row['high'])})" if row["low"] is not None else ""
    told = {True: ", as planned", False: ", NOT as planned", None: ""}[row["ok"]]
    actual = f"{row['actual']:.1f}" if row["figure"] == "days" else _number(row["actual"])
    return f"{what}: planned {_number(row['planned'])}, is {actual}{ends}{told}"


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.4g}" if abs(value) < _MUCH else f"{value:,.0f}"


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(*(Column(column, overflow="fold") for column in columns))
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    return table


def _cell(value: object) -> Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M} UTC")
    return Text("" if value is None else str(value))
