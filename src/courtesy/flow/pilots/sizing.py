"""How large a pilot has to be: who would have come into it lately, and what they did then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.holdouts import cluster
from courtesy.flow.trigger import Turn, matching
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DataError, DefinitionError, NotFoundError
from courtesy.ground.rules import Condition
from courtesy.ground.rules.literals import literal, timestamp
from courtesy.stages.audiences import evaluate, themselves
from courtesy.stages.audiences.store import population
from courtesy.stages.events import EVENTS
from courtesy.stages.experiments import EXPOSED, Experiment, Pilot, share_at
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import Journey
from courtesy.stages.lift import Metric, Plan, Ratio, tallies
from courtesy.stages.lift.plan import is_quantile, window
from courtesy.stages.lift.size import Past, Size, size
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Workspace

_DAY = timedelta(days=1)
_LOOK_BACK = timedelta(days=28)
_HISTORY = "history"
_INSTANT = EXPOSED["exposed_at"]


@dataclass(frozen=True)
class _Lately:
    """The look-back: it ends so early that everybody seen in it has had the time to respond."""

    turn: Turn
    start: datetime
    end: datetime


def size_of(app: App, name: str) -> Size:
    """The people and days that a pilot needs, by its plan and by the home's history.

    Everybody who would have come into it within the look-back (the plan's ``history``, 28 days
    without) counts as if exposed: at their first entry into the journeys that use it, or, where it
    is asked for as a flag or the journey waits for an audience, all who were there at the end.
    Conditions that must hold beside a journey's entry event are not looked at.

    Raises:
        NotFoundError: there is no such experiment.
        DefinitionError: it has no plan.
        DataError: the history shows too little to size from, or no number of people is enough.
    """
    now = app.clock.now()
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        experiment = defined(definitions, name)
        pilot = planned(experiment)
        metric = definitions.metrics[pilot.primary]
        respond = window(metric)
        end = now - respond
        turn = Turn(app, transaction, definitions, end)
        lately = _Lately(turn, end - (pilot.history or _LOOK_BACK), end)
        people = _people(lately, experiment)
        exposures = _exposures(transaction, definitions, experiment, people)
        merges = profiles_store.merges(transaction)
    if people.is_empty():
        raise DataError("The history shows nobody who would have come into it.", place=name)
    plan = Plan(
        name,
        _HISTORY,
        (_mean(metric),),
        history=pilot.history,
        clustered=cluster(definitions, experiment) is not None,
    )
    (tally,) = tallies(app.engine, exposures, plan, now=now, merges=merges)
    past = Past(tally.outcomes[0], len(people), _arrivals(people, lately), respond)
    shares = dict(experiment.arms)
    return size(pilot, past, shares, experiment.control, _taking(experiment, pilot, now))


def defined(definitions: Workspace, name: str) -> Experiment:
    """An experiment in force.

    Raises:
        NotFoundError: there is none of this name.
    """
    if name not in definitions.experiments:
        there = ", ".join(sorted(definitions.experiments)) or "none"
        raise NotFoundError(f"No experiment is called {name!r}. There is: {there}.")
    return definitions.experiments[name]


def planned(experiment: Experiment) -> Pilot:
    """The plan of an experiment.

    Raises:
        DefinitionError: it has none.
    """
    if experiment.pilot is None:
        raise DefinitionError(
            "It has no plan, so it runs from when it is applied until it leaves the folder; a "
            "pilot has one under plan:.",
            place=experiment.name,
        )
    return experiment.pilot


def journeys_of(definitions: Workspace, name: str) -> list[Journey]:
    """The journeys in force that test it."""
    return [journey for journey in definitions.journeys.values() if name in journey.tested]


def _mean(metric: Metric | Ratio) -> Metric | Ratio:
    """The metric itself; a quantile has no moments to size from."""
    if is_quantile(metric):
        raise DataError(
            "A quantile cannot be sized; choose a mean as the primary metric, or say how many "
            "people: --people N.",
            place=metric.name,
        )
    return metric


def _people(lately: _Lately, experiment: Experiment) -> pl.DataFrame:
    """One row for each: when they came, when the arms would have differed, with which entry."""
    journeys = journeys_of(lately.turn.definitions, experiment.name)
    found = [_entered(lately, journey) for journey in journeys]
    if not journeys:
        found = [_active(lately, experiment.eligible)]
    together = pl.concat(found).sort("exposed_at", "person_id", "entry")
    return together.unique("person_id", keep="first", maintain_order=True)


def _entered(lately: _Lately, journey: Journey) -> pl.DataFrame:
    if journey.entry.audience is not None:
        return _members(lately, journey.entry.audience)
    named = f"AND event = {literal(journey.entry.event or '')}"
    events = _events(lately, "person_id, event, properties, occurred_at", named)
    if journey.entry.where is not None and not events.is_empty():
        events = matching(lately.turn, journey.entry.where, events)
    return events.select(
        "person_id",
        pl.col("occurred_at").alias("came_at"),
        pl.col("occurred_at").alias("exposed_at"),
        pl.col("properties").alias("entry"),
    )


def _members(lately: _Lately, audience: str) -> pl.DataFrame:
    """Whom the audience meant at the end; those whom it did not mean at the start came evenly."""
    when = lately.turn.definitions.audiences[audience].when
    everybody = population(lately.turn.transaction)
    before = _meant(lately, when, everybody, lately.start)
    after = _meant(lately, when, everybody, lately.end)
    joined = after.join(before, on="person_id", how="anti").with_row_index("row")
    days = max((lately.end - lately.start) // _DAY, 1)
    spread = pl.lit(lately.start, dtype=_INSTANT) + pl.duration(days=pl.col("row") % days)
    came = joined.select("person_id", spread.alias("came_at"))
    return _at_the_end(lately, after.join(came, on="person_id", how="left"))


def _active(lately: _Lately, eligible: Condition | None) -> pl.DataFrame:
    """Whoever did anything, and may take part."""
    seen = _events(lately, "person_id, MIN(occurred_at) AS came_at", "GROUP BY person_id")
    people = seen.group_by("person_id").agg(pl.col("came_at").min())
    if eligible is not None:
        meant = _meant(lately, eligible, themselves(people), lately.end, everyone=False)
        people = people.join(meant, on="person_id", how="semi")
    return _at_the_end(lately, people)


def _events(lately: _Lately, columns: str, rest: str) -> pl.DataFrame:
    """What happened in the look-back, to people as they are called now."""
    between = f"occurred_at >= {timestamp(lately.start)} AND occurred_at < {timestamp(lately.end)}"
    found = lately.turn.app.engine.query(
        f"SELECT {columns} FROM events WHERE {between} {rest}",  # noqa: S608 - literals
        tables=[EVENTS],
        frames={},
        since=lately.start.date(),
        until=lately.end.date(),
    )
    return profiles_store.current(lately.turn.transaction, found)


def _meant(
    lately: _Lately,
    when: Condition,
    given: pl.DataFrame,
    at: datetime,
    *,
    everyone: bool = True,
) -> pl.DataFrame:
    """For whom a condition held at an instant: ``person_id``."""
    turn = lately.turn
    facts = evaluate(
        turn.transaction, turn.app.engine, {"holds": when}, given, at, everyone=everyone
    )
    return facts.filter("holds").select("person_id").sort("person_id")


def _at_the_end(lately: _Lately, people: pl.DataFrame) -> pl.DataFrame:
    return people.select(
        "person_id",
        "came_at",
        pl.lit(lately.end, dtype=_INSTANT).alias("exposed_at"),
        pl.lit("{}").alias("entry"),
    )


def _exposures(
    transaction: Transaction, definitions: Workspace, experiment: Experiment, people: pl.DataFrame
) -> pl.DataFrame:
    """``EXPOSED`` rows, all in one arm."""
    trait = cluster(definitions, experiment)
    units = experiments_store.units_of(transaction, people.select("person_id"), trait)
    return people.join(units, on="person_id", how="left", maintain_order="left").select(
        pl.lit(experiment.name).alias("experiment"),
        "person_id",
        pl.lit(_HISTORY).alias("arm"),
        "exposed_at",
        "entry",
        pl.coalesce("unit", "person_id").alias("unit"),
    )


def _arrivals(people: pl.DataFrame, lately: _Lately) -> Sequence[int]:
    """How many came on each day, on whole days from the first with anybody."""
    came = people["came_at"].drop_nulls()
    first = came.min()
    if not isinstance(first, datetime):
        return ()
    days = (came - first).dt.total_days().value_counts()
    counts = dict(days.iter_rows())
    return [counts.get(day, 0) for day in range(max((lately.end - first) // _DAY, 1))]


def _taking(experiment: Experiment, pilot: Pilot, now: datetime) -> Sequence[float]:
    """The share of those who come that takes part, on each day from now on."""
    layer = experiment.layer.end - experiment.layer.start if experiment.layer else 1.0
    days = range(max(pilot.longest // _DAY, 1) + 1)
    return [share_at(experiment.traffic, now + day * _DAY) * layer for day in days]
