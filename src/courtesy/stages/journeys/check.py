"""A journey's YAML, checked: every complaint names its file, line and node."""

from datetime import timedelta
from typing import Any

from pydantic import Field

from courtesy.ground.definitions import Document, Model
from courtesy.ground.definitions import check as check_model
from courtesy.ground.primitives.clock import duration
from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.shares import percent
from courtesy.ground.rules import Condition, Did
from courtesy.stages.journeys.inspector import Known
from courtesy.stages.journeys.model import END, Entry, Goal, Journey
from courtesy.stages.journeys.steps import Chart

_LATEST = timedelta(days=1)
_SENT = "Email Sent"
_NAME = r"^[a-z0-9][a-z0-9_-]*$"


class _EntryFile(Model):
    event: str | None = None
    where: dict[str, Any] | None = None
    condition: Any = Field(default=None, alias="if")
    audience: str | None = None
    again: str = "never"
    within: str | None = None


class _JourneyFile(Model):
    journey: str = Field(max_length=100, pattern=_NAME)
    owner: str | None = None
    description: str | None = None
    topic: str = Field(min_length=1)
    program: str | None = Field(default=None, max_length=100, pattern=_NAME)
    holdout: Any = "0%"
    priority: int = 0
    entry: _EntryFile
    goal: dict[str, Any] | None = None
    exit: Any = None
    steps: list[Any]


def check(document: Document, known: Known) -> Journey:
    """The journey that a document defines.

    Args:
        document: the parsed YAML.
        known: the templates, audiences, channels and experiments that exist.

    Raises:
        DefinitionError: a field is unknown, absent or wrong, what it refers to does not exist, or
            a condition is not valid; names the place.
    """
    file = check_model(_JourneyFile, document)
    chart = Chart(document, known)
    first = chart.lay(file.steps, ("steps",), END)
    return Journey(
        name=file.journey,
        owner=file.owner,
        topic=file.topic,
        holdout=_holdout(chart, file.holdout),
        priority=file.priority,
        entry=_entry(chart, file.entry),
        goal=_goal(chart, file.goal) if file.goal is not None else None,
        exit=chart.condition(file.exit, ("exit",)) if file.exit is not None else None,
        nodes=chart.nodes,
        first=first,
        program=file.program,
        tests=chart.tests,
    )


def _holdout(chart: Chart, text: object) -> float:
    try:
        return percent(text)
    except InputError as error:
        raise chart.refusal(("holdout",), error.detail) from None


def _entry(chart: Chart, file: _EntryFile) -> Entry:
    if (file.event is None) == (file.audience is None):
        raise chart.refusal(("entry",), "It should name either an event or an audience.")
    if file.where is not None and file.event is None:
        raise chart.refusal(("entry", "where"), "Only an event has properties to look at.")
    if file.event == _SENT and file.again != "never":
        detail = "What was sent would invite to more, without end: it goes with again: never only."
        raise chart.refusal(("entry", "again"), detail)
    where = {"did": file.event, "where": file.where}
    return Entry(
        event=file.event,
        where=chart.condition(where, ("entry",)) if file.where is not None else None,
        condition=_condition(chart, file.condition),
        audience=chart.audience(file.audience, ("entry", "audience")) if file.audience else None,
        again=_again(chart, file.again),
        within=chart.length(file.within, ("entry", "within")) if file.within else _LATEST,
    )


def _condition(chart: Chart, data: object) -> Condition | None:
    return chart.condition(data, ("entry", "if")) if data is not None else None


def _again(chart: Chart, text: str) -> timedelta | None:
    if text == "never":
        return None
    try:
        return timedelta() if text == "always" else duration(text.removeprefix("after "))
    except InputError:
        wanted = "It should be never, always or a duration to wait, such as 30d"
        raise chart.refusal(("entry", "again"), f"{wanted}; found {text!r}.") from None


def _goal(chart: Chart, data: object) -> Goal:
    condition = chart.condition(data, ("goal",))
    if not isinstance(condition, Did):
        raise chart.refusal(
            ("goal",), "A goal is one event: did, with where and within if need be."
        )
    return Goal(condition)
