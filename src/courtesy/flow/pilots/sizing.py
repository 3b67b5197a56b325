"""How large a pilot has to be: who would have come into it lately, and what they did then."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import fmean

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.holdouts import cluster
from courtesy.flow.pilots.coming import Coming, Lately, coming
from courtesy.flow.trigger import Turn
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DataError, DefinitionError, NotFoundError
from courtesy.ground.stats import quantile_moments
from courtesy.stages.experiments import Experiment, Pilot, share_at
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Outcome, Plan, tallies
from courtesy.stages.lift.model import MEAN, Metric, Ratio
from courtesy.stages.lift.plan import window
from courtesy.stages.lift.quantile import values
from courtesy.stages.lift.size import Past, Size, size
from courtesy.stages.lift.tally import Data
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Workspace

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_LOOK_BACK = timedelta(days=28)
_HISTORY = "history"


def size_of(app: App, name: str) -> Size:
    """The people and days that a pilot needs, by its plan and by the home's history.

    Everybody who would have come into it within the look-back (the plan's ``history``, 28 days
    without) counts as if exposed then; see ``coming``. The pace is theirs, less those whom holdouts
    leave alone, times the traffic and the layer's part.

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
        turn = Turn(app, transaction, definitions, now)
        lately = Lately(turn, end - (pilot.history or _LOOK_BACK), end)
        found = coming(lately, experiment)
        exposures = _exposures(transaction, definitions, experiment, found.people)
        merges = profiles_store.merges(transaction)
    if found.people.is_empty():
        raise DataError(_nobody(found), place=name)
    plan = Plan(
        name,
        _HISTORY,
        (metric,),
        history=pilot.history,
        clustered=cluster(definitions, experiment) is not None,
    )
    outcome = _outcome(Data(app.engine, exposures, now, merges), plan)
    past = _past(outcome, found, lately, respond, metric)
    shares = dict(experiment.arms)
    return size(pilot, past, shares, experiment.control, _taking(experiment, pilot, now))


def _nobody(found: Coming) -> str:
    told = "; ".join(found.counted)
    return f"The history shows nobody who would have come into it ({told})."


def _outcome(data: Data, plan: Plan) -> Outcome:
    """The primary metric of everybody, in one arm."""
    engine, exposures = data.engine, data.exposures
    if not plan.quantiles:
        (tally,) = tallies(engine, exposures, plan, now=data.now, merges=data.merges)
        return tally.outcomes[0]
    (metric,) = plan.quantiles
    if plan.clustered:
        raise DataError("A quantile is not compared where clusters are one.", place=metric.name)
    found = values(engine, exposures, plan, metric, now=data.now, merges=data.merges)
    try:
        moments = quantile_moments(found[_HISTORY], metric.quantile or 0.0)
    except DataError as error:
        raise DataError(error.detail, place=metric.name) from None
    return Outcome(metric.name, MEAN, {_HISTORY: moments}, better=metric.better)


def _past(
    outcome: Outcome, found: Coming, lately: Lately, respond: timedelta, metric: Metric | Ratio
) -> Past:
    days = f"{lately.start:%Y-%m-%d} to {lately.end:%Y-%m-%d}"
    return Past(
        outcome,
        found.people.height,
        _arrivals(found.people, lately),
        found.delay + respond,
        quantile=metric.quantile if isinstance(metric, Metric) else None,
        left_alone=1 - fmean(found.people["free"]),
        counted=(days, *found.counted),
        left_out=found.left_out,
    )


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


def _exposures(
    transaction: Transaction, definitions: Workspace, experiment: Experiment, people: pl.DataFrame
) -> pl.DataFrame:
    """``EXPOSED`` rows, all in one arm; what brought people there is before, no outcome."""
    trait = cluster(definitions, experiment)
    units = experiments_store.units_of(transaction, people.select("person_id"), trait)
    return people.join(units, on="person_id", how="left", maintain_order="left").select(
        pl.lit(experiment.name).alias("experiment"),
        "person_id",
        pl.lit(_HISTORY).alias("arm"),
        pl.col("exposed_at") + _MOMENT,
        "entry",
        pl.coalesce("unit", "person_id").alias("unit"),
    )


def _arrivals(people: pl.DataFrame, lately: Lately) -> Sequence[float]:
    """How many came on each day who are not left alone, from the first day with anybody.

    A day begins at the hour at which the look-back ends, so that everybody is in a whole one.
    """
    first = people["came_at"].min()
    if not isinstance(first, datetime):
        return ()
    days = math.ceil((lately.end - first) / _DAY)
    begin = pl.lit(lately.end - days * _DAY, dtype=people.schema["came_at"])
    day = (pl.col("came_at") - begin).dt.total_days().alias("day")
    counts = dict(people.group_by(day).agg(pl.col("free").sum()).iter_rows())
    return [counts.get(day, 0.0) for day in range(days)]


def _taking(experiment: Experiment, pilot: Pilot, now: datetime) -> Sequence[float]:
    """The share of those who come that takes part, on each day from now on."""
    layer = experiment.layer.end - experiment.layer.start if experiment.layer else 1.0
    days = range(max(pilot.longest // _DAY, 1) + 1)
    return [share_at(experiment.traffic, now + day * _DAY) * layer for day in days]
