"""Everything on the page of one experiment, looked up in one home; nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from courtesy import workspace
from courtesy.app import App
from courtesy.doors.web.experiment.model import Findings, Learned, Planned
from courtesy.doors.web.experiment.panels import interval
from courtesy.doors.web.experiment.verdict import judged
from courtesy.doors.web.figures import NONE, count, day
from courtesy.flow import lift_in_full, plan_beside_fact
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import DEFAULT_ALPHA, AlwaysValid
from courtesy.stages.experiments import Experiment, Learning, Pilot, Standing
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Lift, Notice
from courtesy.stages.lift.advice import advice
from courtesy.stages.lift.model import HIGHER


def gather(app: App, name: str) -> Findings:
    """Look everything up, under intervals that hold for any number of looks.

    Args:
        app: the home.
        name: an experiment, a journey with a holdout, a program or ``universal``.

    Raises:
        NotFoundError: there is nothing of this name.
        DataError: there is nothing to compare under this name.
        HomeError: the home cannot be read.
    """
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        standing = experiments_store.standings(transaction).get(name)
        learnings = experiments_store.learnings(transaction)
    experiment = definitions.experiments.get(name)
    pilot = experiment.pilot if experiment else None
    rule = AlwaysValid(pilot.alpha if pilot else DEFAULT_ALPHA)
    lift = _lift(app, name, experiment, rule)
    findings = Findings(lift=lift, at=app.clock.now(), primary=_primary(lift, pilot))
    findings = _described(
        findings, experiment, [one for one in learnings if one.experiment == name]
    )
    if pilot is None:
        return judged(findings)
    planned = replace(
        findings,
        hypothesis=pilot.hypothesis,
        minimal_effect=pilot.minimal_effect,
        guardrails=pilot.guardrails,
        state="planned, not started yet",
    )
    return judged(_run(app, planned, pilot, standing) if standing else planned)


def _lift(app: App, name: str, experiment: Experiment | None, rule: AlwaysValid) -> Lift:
    """The figures; of an experiment to which nobody was exposed yet, none."""
    try:
        return lift_in_full(app, name, rule, over_time=True)
    except DataError as error:
        if experiment is None:
            raise
        notice = Notice("nothing_to_compare", error.detail)
        return Lift(
            name=name,
            control=experiment.control,
            alpha=rule.alpha,
            randomised=experiment.observed is None or experiment.observed.randomised,
            arms=(),
            sample_ratio=None,
            comparisons=(),
            associations=(),
            warnings=(notice,),
        )


def _primary(lift: Lift, pilot: Pilot | None) -> str:
    """The metric that decides: the plan's, else the one that is named first."""
    shown = lift.comparisons or lift.associations
    return pilot.primary if pilot else next((one.metric for one in shown), "")


def _described(
    findings: Findings, experiment: Experiment | None, learnings: Sequence[Learning]
) -> Findings:
    return replace(
        findings,
        owner=(experiment.owner if experiment else None) or "",
        description=(experiment.description if experiment else None) or "",
        learned=tuple(Learned(one.learned_at, one.learned) for one in learnings if one.learned),
    )


def _run(app: App, findings: Findings, pilot: Pilot, standing: Standing) -> Findings:
    """A pilot that was started: what its plan says now, or what was said at its end."""
    rows = plan_beside_fact(app, findings.lift.name, findings.lift)
    found = replace(findings, plan=tuple(_planned(findings, row) for row in rows if _asked(row)))
    if standing.stopped_at is not None:
        ended = f"ended {day(standing.stopped_at)}, everybody gets {standing.kept}"
        return replace(found, state=ended, decision=standing.verdict or "", ended=True)
    found = replace(found, state=f"running since {day(standing.started_at)}")
    if not found.lift.comparisons:
        return found
    units = msgspec.json.decode(standing.plan)["units_needed"]
    told = advice(found.lift, pilot, units, found.at - standing.started_at)
    return replace(found, advice=told, decision=pilot.decisions.get(told.outcome, ""))


def _asked(row: Mapping[str, Any]) -> bool:
    """Guardrails have a part of the page of their own."""
    return bool(row["figure"] != "guardrail")


def _planned(findings: Findings, row: Mapping[str, Any]) -> Planned:
    planned, actual, ok = row["planned"], row["actual"], row["ok"]
    if row["metric"] is None:
        return Planned(
            row["figure"].replace("_", " ").capitalize(), _number(planned), _number(actual), ok
        )
    unit = findings.unit(row["metric"])
    if row["figure"] == "baseline":
        what = f"{row['metric']} in {findings.lift.control}"
        return Planned(what, unit.level(planned), unit.level(actual), ok)
    sign = 1 if findings.better == HIGHER else -1
    least = findings.worthwhile if planned is None else sign * abs(planned)
    fact = interval(unit, actual, row["low"], row["high"])
    return Planned(f"{row['metric']}: effect of {row['arm']}", unit.named(least), fact, ok)


def _number(value: float | None) -> str:
    return NONE if value is None else count(value)
