"""What the contact changed, against the people it left alone or treated otherwise."""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.publish import publish
from courtesy.flow.subjects import Subject, subject
from courtesy.ground.stats import Rule
from courtesy.stages.lift import Lift, Plan, measure
from courtesy.stages.profiles import store as profiles_store


def lift_of(
    app: App,
    name: str,
    rule: Rule,
    *,
    metrics: Iterable[str] = (),
    by: Iterable[str] = (),
    over_time: bool = False,
) -> Lift:
    """Measure what stands under a name, by intention to treat.

    Args:
        app: the wired application.
        name: a journey, an experiment, a program or ``universal``.
        rule: how sure the intervals are, and for how many looks.
        metrics: names of metrics beside those that belong to it.
        by: traits whose values are segments, beside those that the experiment names.
        over_time: whether to tell the effect as it was known on each day.

    Raises:
        NotFoundError: there is nothing of this name, or no such metric.
        DataError: there is nothing to compare, or nobody was exposed to it yet.
    """
    publish(app)
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        merges = profiles_store.merges(transaction)
        found = subject(app, transaction, definitions, name, metrics)
    return _whole(app, found, rule, merges)


def _whole(app: App, found: Subject, rule: Rule, merges: pl.DataFrame) -> Lift:
    plan = _plan(found, rule)
    lift = measure(app.engine, found.exposures, plan, now=app.clock.now(), merges=merges)
    return replace(lift, warnings=(*found.notices, *lift.warnings))


def _plan(found: Subject, rule: Rule) -> Plan:
    experiment = found.experiment
    pilot = experiment.pilot if experiment else None
    return Plan(
        experiment=found.name,
        control=found.control,
        metrics=found.metrics,
        shares=found.shares,
        rule=rule,
        history=pilot.history if pilot else None,
        randomised=found.randomised,
        clustered=found.clustered,
        received=found.received,
    )
