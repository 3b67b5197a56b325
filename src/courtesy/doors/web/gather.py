"""Everything in the report, looked up in one home; nothing is changed, and nothing made up."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.doors.web.measured import measured
from courtesy.doors.web.model import Defined, Hours, Quiet, Report, Silence, Step
from courtesy.doors.web.story import story
from courtesy.doors.web.tried import tried
from courtesy.doors.web.words import MEANINGS
from courtesy.ground.definitions import store as definitions_store
from courtesy.ground.ledger import Transaction, named_queries
from courtesy.stages.audiences import BEGUN, evaluate
from courtesy.stages.events import EVENTS
from courtesy.stages.messages import Policy, State, store
from courtesy.stages.messages.returns import CLICKED, OPENED
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Workspace

_QUERIES = named_queries(__file__)
_HISTORY = "SELECT count(*) AS events, min(occurred_at) AS first FROM events"
_RETURNED = """
SELECT event, count(DISTINCT properties ->> '$.message_id') AS things,
       count(DISTINCT coalesce(merges.into_id, events.person_id)) AS people
FROM events LEFT JOIN merges ON merges.person_id = events.person_id
WHERE event IN ({}) GROUP BY event
"""
_HOURS = 24


def gather(
    app: App,
    *,
    person: str | None = None,
    truths: Mapping[str, float] | None = None,
    explanation: str = "",
    pages: str = "",
) -> Report:
    """Look everything up.

    Args:
        app: the home.
        person: whose story to tell; who has most to tell when None.
        truths: the true effect of each journey and experiment (a difference of shares), where it
            is known.
        explanation: how the truth is known.
        pages: how the files of experiments begin that will stand beside the report; empty where
            there are none.

    Raises:
        NotFoundError: nobody is called ``person``.
        HomeError: the home cannot be read.
    """
    now = app.clock.now()
    history = app.engine.query(_HISTORY, tables=[EVENTS], frames={}).row(0, named=True)
    with app.ledger.read() as transaction:
        found = workspace.in_force(transaction)
        steps = list(_steps(app, transaction, found, now))
        silences = tuple(_silences(transaction))
        states = {row["name"]: row["messages"] for row in store.count_by_state(transaction)}
        return Report(
            home=app.home.name,
            until=now,
            since=history["first"],
            events=history["events"],
            people=profiles_store.count(transaction),
            steps=[Step("Known", "events", history["events"], _people(transaction)), *steps],
            hours=_hours(transaction, found.policy),
            quiet=_quiet(found.policy),
            silences=silences,
            postponed=int(transaction.scalar(_QUERIES["postponed"])),
            waiting=states.get(State.HELD, 0) + states.get(State.QUEUED, 0),
            measured=[measured(app, one, truths or {}) for one in found.journeys.values()],
            story=story(app, transaction, found, person),
            definitions=_definitions(transaction),
            tried=list(tried(app, found, truths or {}, pages)),
            explanation=explanation if truths else "",
        )


def _people(transaction: Transaction) -> int:
    return profiles_store.count(transaction)


def _steps(
    app: App, transaction: Transaction, definitions: Workspace, now: datetime
) -> Iterator[Step]:
    for query, name, noun, note in (
        ("entered", "Entered a journey", "entries", ""),
        ("exposed", "Came to a first message", "exposures", "Treated and left alone alike"),
        ("intended", "Had something to hear", "messages intended", ""),
        ("allowed", "Could be spoken to", "messages allowed", ""),
        ("sent", "Were sent something", "messages sent", ""),
    ):
        row = transaction.rows(_QUERIES[query])[0]
        yield Step(name, noun, row["things"], row["people"], note)
    returned = _returned(app, transaction)
    for event, name, noun in (
        (OPENED, "Opened", "messages opened"),
        (CLICKED, "Clicked", "messages clicked"),
    ):
        things, people = returned.get(event, (0, 0))
        yield Step(name, noun, things, people)
    yield _reached(app, transaction, definitions, now)


def _returned(app: App, transaction: Transaction) -> dict[str, tuple[int, int]]:
    sql = _RETURNED.format(f"'{OPENED}', '{CLICKED}'")
    merges = profiles_store.merges(transaction)
    found = app.engine.query(sql, tables=[EVENTS], frames={"merges": merges})
    return {event: (things, people) for event, things, people in found.iter_rows()}


def _reached(app: App, transaction: Transaction, definitions: Workspace, now: datetime) -> Step:
    """Who did what a journey is for after its first message to them, within the goal's time."""
    reached = []
    for journey in definitions.journeys.values():
        if journey.goal is not None:
            given = transaction.frame(_QUERIES["spoken_to"], BEGUN, journey=journey.name)
            goal = {"reached": journey.goal.condition}
            facts = evaluate(transaction, app.engine, goal, given, now, anchored=True)
            reached += facts.filter(pl.col("reached"))["person_id"].to_list()
    note = "Some would have come anyway; see whether it helped, below"
    return Step(
        "Reached the goal afterwards", "goals reached", len(reached), len(set(reached)), note
    )


def _hours(transaction: Transaction, policy: Policy | None) -> list[Hours]:
    zone = policy.default_time_zone if policy else None
    found = store.count_by_hour(transaction, zone)
    hours = []
    for channel in found["channel"].unique().sort():
        rows = found.filter(pl.col("channel") == channel).select("hour", "messages").iter_rows()
        by_hour = dict(rows)
        hours.append(Hours(channel, tuple(by_hour.get(hour, 0) for hour in range(_HOURS))))
    return hours


def _quiet(policy: Policy | None) -> Quiet | None:
    quiet = policy.quiet_hours if policy else None
    return Quiet(quiet.start, quiet.end) if quiet else None


def _silences(transaction: Transaction) -> Iterator[Silence]:
    """Every reason, the most frequent first."""
    counts = {row["name"]: row["messages"] for row in store.count_by_reason(transaction)}
    for reason in sorted(MEANINGS, key=lambda one: -counts.get(one, 0)):
        yield Silence(reason, MEANINGS[reason], counts.get(reason, 0))


def _definitions(transaction: Transaction) -> list[Defined]:
    return [
        Defined(one.kind, one.name, one.version, one.applied_at, one.body)
        for one in definitions_store.active(transaction)
    ]
