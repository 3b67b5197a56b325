"""What can be measured by its name: a journey, an experiment, a program, or all that is said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from courtesy.app import App
from courtesy.flow.holdouts import cluster, history
from courtesy.flow.lift.dealt import dealt
from courtesy.flow.lift.observed import observed
from courtesy.ground.lake import Table
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DataError, NotFoundError
from courtesy.ground.rules import Did
from courtesy.ground.rules.model import Comparison, Operator, Where
from courtesy.stages.experiments import (
    EXPOSURES,
    HOLDOUT,
    UNIVERSAL,
    Experiment,
    expected_shares,
    moved,
)
from courtesy.stages.experiments.rounds import Round, holdout_shares, overall
from courtesy.stages.journeys import Journey
from courtesy.stages.lift import Metric, Notice, Ratio
from courtesy.stages.messages.returns import SENT
from courtesy.workspace import Workspace

Metrics = tuple[Metric | Ratio, ...]
_OF_ONE = "SELECT * FROM exposures WHERE experiment = '{}'"


@dataclass(frozen=True)
class Subject:
    """What to measure, and over whom.

    ``exposures``: ``EXPOSED`` rows, or the lake's table. ``shares``: what each arm should have.
    ``received``: the event that shows that somebody got the treatment. ``clustered``: whether
    chance assigned clusters of people. ``rounds``: what chance dealt while traffic grew.
    """

    name: str
    control: str
    metrics: Metrics
    shares: Mapping[str, float] | None
    exposures: pl.DataFrame | Table = EXPOSURES
    received: Did | None = None
    clustered: bool = False
    randomised: bool = True
    experiment: Experiment | None = None
    notices: tuple[Notice, ...] = field(default=())
    rounds: tuple[Round, ...] = ()


def subject(
    app: App, transaction: Transaction, definitions: Workspace, name: str, metrics: Iterable[str]
) -> Subject:
    """What ``name`` stands for.

    Args:
        app: the wired application, whose exposures are published.
        transaction: of the ledger.
        definitions: what is in force.
        name: of a journey, an experiment or a program, or ``universal``.
        metrics: names of metrics to measure beside those that belong to it.

    Raises:
        NotFoundError: there is nothing of this name, or no such metric.
        DataError: there is nothing to compare, or no metric to compare it on.
    """
    wanted = tuple(_metric(definitions, one) for one in metrics)
    if name in definitions.experiments:
        return _tried(app, transaction, definitions, definitions.experiments[name], wanted)
    if name in definitions.journeys:
        return _journey(app, transaction, definitions, definitions.journeys[name], wanted)
    journeys = [one for one in definitions.journeys.values() if one.program == name]
    if journeys or name == UNIVERSAL:
        return _held(app, transaction, definitions, name, journeys, wanted)
    there = [*definitions.journeys, *definitions.experiments, *_programs(definitions), UNIVERSAL]
    raise NotFoundError(
        f"There is nothing to measure under {name!r}. There is: {', '.join(sorted(there))}."
    )


def _programs(definitions: Workspace) -> set[str]:
    return {one.program for one in definitions.journeys.values() if one.program}


def _metric(definitions: Workspace, name: str) -> Metric | Ratio:
    if name not in definitions.metrics:
        there = ", ".join(sorted(definitions.metrics)) or "none"
        raise NotFoundError(f"There is no metric {name!r} in force. There is: {there}.")
    return definitions.metrics[name]


def _tried(
    app: App,
    transaction: Transaction,
    definitions: Workspace,
    experiment: Experiment,
    wanted: Metrics,
) -> Subject:
    metrics = _several(*_own(definitions, experiment), *wanted)
    if not metrics:
        raise DataError("It names no metric to compare its arms on.", place=experiment.name)
    rule = experiment.observed
    if rule is not None:
        found = observed(app, transaction, experiment, rule)
        return Subject(
            experiment.name,
            experiment.control,
            metrics,
            shares=None,
            exposures=found.exposures,
            received=experiment.treated_by,
            randomised=rule.randomised,
            experiment=experiment,
            notices=found.notices,
        )
    rounds = dealt(app, transaction, experiment)
    expected = overall(rounds) if rounds else None
    return Subject(
        experiment.name,
        experiment.control,
        metrics,
        expected or expected_shares(experiment, app.clock.now()),
        received=experiment.treated_by,
        clustered=cluster(definitions, experiment) is not None,
        experiment=experiment,
        rounds=tuple(rounds),
    )


def _own(definitions: Workspace, experiment: Experiment) -> Metrics:
    """The metrics that an experiment names, those of its plan first; else the journey's goal."""
    plan = experiment.pilot
    names = [plan.primary, *(one.metric for one in plan.guardrails)] if plan else []
    named = [_metric(definitions, name) for name in (*names, *experiment.metrics)]
    if named:
        return tuple(named)
    uses = [j for j in definitions.journeys.values() if experiment.name in j.tested]
    return tuple(_goal(journey) for journey in uses if journey.goal)


def _journey(
    app: App, transaction: Transaction, definitions: Workspace, journey: Journey, wanted: Metrics
) -> Subject:
    if not journey.holdout:
        raise DataError("It leaves nobody alone, so nothing can be compared.", place=journey.name)
    own = (_goal(journey),) if journey.goal else ()
    if not own and not wanted:
        raise DataError("It has no goal to look for.", place=journey.name)
    where = _in_journeys([journey])
    sent = Did(SENT, where=(where,) if where else ())
    return _with_holdout(app, transaction, definitions, journey.name, (*own, *wanted), sent)


def _held(  # noqa: PLR0913, PLR0917 - what a holdout of several journeys is made of
    app: App,
    transaction: Transaction,
    definitions: Workspace,
    name: str,
    journeys: list[Journey],
    wanted: Metrics,
) -> Subject:
    metrics = wanted or tuple(definitions.metrics.values())
    if not metrics:
        raise DataError(
            "Define a metric to compare on, in metrics/NAME.yaml of the workspace.", place=name
        )
    where = (_marketing(definitions), _in_journeys(journeys))
    sent = Did(SENT, where=tuple(one for one in where if one is not None))
    return _with_holdout(app, transaction, definitions, name, metrics, sent)


def _marketing(definitions: Workspace) -> Where | None:
    """What reaches only those whom no holdout leaves alone: no receipts."""
    service = definitions.policy.service_topics if definitions.policy else frozenset()
    return (
        Where(("topic",), (Comparison(Operator.NOT_IN, tuple(sorted(service))),))
        if service
        else None
    )


def _with_holdout(  # noqa: PLR0913, PLR0917 - same
    app: App,
    transaction: Transaction,
    definitions: Workspace,
    name: str,
    metrics: Metrics,
    sent: Did,
) -> Subject:
    """A holdout whose size may have changed: who changed sides is left out, by chance alone."""
    smallest, largest, now = history(transaction, name)
    if not now:
        raise DataError("It leaves nobody alone, so nothing can be compared.", place=name)
    if not smallest:
        raise DataError(
            "It left nobody alone for a while, so that everybody was on the treated side once. "
            "A new name begins a new figure.",
            place=name,
        )
    exposures: pl.DataFrame | Table = EXPOSURES
    notices: tuple[Notice, ...] = ()
    if smallest < largest:
        rows = app.engine.query(_OF_ONE.format(name), tables=[EXPOSURES], frames={})
        units = rows["unit"].fill_null(rows["person_id"])
        exposures = rows.filter(~moved(units, smallest, largest, name))
        notices = (
            Notice(
                "resized",
                f"{rows.height - exposures.height:,} people are left out: the share left alone "
                f"was between {smallest:.1%} and {largest:.1%}, and they were on both sides.",
            ),
        )
    return Subject(
        name,
        HOLDOUT,
        metrics,
        holdout_shares(name, smallest, largest),
        exposures=exposures,
        received=sent,
        clustered=cluster(definitions) is not None,
        notices=notices,
    )


def _goal(journey: Journey) -> Metric:
    if journey.goal is None:
        raise DataError("It has no goal to look for.", place=journey.name)
    did = journey.goal.condition
    return Metric.goal(did.event, did)


def _in_journeys(journeys: Iterable[Journey]) -> Where | None:
    names = tuple(journey.name for journey in journeys)
    return Where(("journey",), (Comparison(Operator.IN, names),)) if names else None


def _several(*metrics: Metric | Ratio) -> Metrics:
    """Each metric once, in the order in which they are named."""
    return tuple({metric.name: metric for metric in metrics}.values())
