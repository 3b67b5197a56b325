"""The life of a pilot: its plan is frozen at the start, every night it is looked at, it ends."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.pilots.beside import measured
from courtesy.flow.pilots.sizing import defined, planned, size_of
from courtesy.ground.primitives.errors import CourtesyError, DataError, HomeError, InputError
from courtesy.stages.experiments import Change, Experiment, Learning, Standing, frozen
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Lift, as_data
from courtesy.stages.lift.advice import FUTILITY, HARM, SAMPLE_RATIO, advice
from courtesy.stages.lift.model import Advice
from courtesy.stages.lift.size import Size
from courtesy.stages.lift.verdict import UNKNOWN

_DAY = timedelta(days=1)
_RULE = "always-valid"
_EARLY = frozenset({HARM, FUTILITY, SAMPLE_RATIO})
_WHOEVER_IS_THERE = 0
_log = structlog.get_logger("courtesy.pilots")


def start_pilot(app: App, name: str, people: int | None = None) -> Standing:
    """Freeze a plan with the figures that follow from it; from now on people take part.

    Args:
        app: the wired application.
        name: an experiment in force that has a plan.
        people: how many to plan for; None takes what the history says is needed.

    Raises:
        NotFoundError: there is no such experiment.
        DefinitionError: it has no plan.
        InputError: it was started before, or ``people`` is not a number of people.
        DataError: the history is too short to size from, and ``people`` is not given.
    """
    if people is not None and people < 1:
        raise InputError(f"It takes at least one person; found {people}.", place=name)
    now = app.clock.now()
    with app.ledger.read() as transaction:
        experiment = defined(workspace.in_force(transaction), name)
        planned(experiment)
        _check_new(experiments_store.standings(transaction), name)
    size = _sized(app, name, needed=people is None)
    plan = msgspec.json.encode(frozen_plan(experiment, size, people, now)).decode()
    standing = Standing(name, now, plan, definition_hash=frozen(experiment))
    with app.ledger.write() as transaction:
        experiments_store.start(transaction, standing)
    return standing


def _check_new(standings: Mapping[str, Standing], name: str) -> None:
    if name in standings:
        since = f"{standings[name].started_at:%Y-%m-%d}"
        raise InputError(f"It was started on {since}; a new pilot needs a new name.", place=name)


def _sized(app: App, name: str, *, needed: bool) -> Size | None:
    """The figures that follow from the plan; None where the history is silent and that may be."""
    try:
        return size_of(app, name)
    except DataError as error:
        if needed:
            raise DataError(
                f"{error.detail} Say how many people: --people N.", place=name
            ) from None
        return None


def frozen_plan(
    experiment: Experiment, size: Size | None, people: int | None, now: datetime
) -> dict[str, Any]:
    """A plan as it is kept: what was written, and the figures that followed, as plain data.

    Lengths of time are in days; ``people_needed`` and ``days_needed`` are for any number of looks,
    or for one where the metric allows no more; ``units_needed`` counts clusters where chance
    assigns those. ``counted`` and ``not_counted`` say which people the figures come from.
    """
    pilot = planned(experiment)
    needed = size.needed[-1] if size else None
    total = needed.people if needed and people is None else people
    return {
        "hypothesis": pilot.hypothesis,
        "owner": experiment.owner,
        "primary": pilot.primary,
        "minimal_effect": asdict(pilot.minimal_effect),
        "effect": size.effect if size else _absolute(pilot.minimal_effect),
        "guardrails": [asdict(one) for one in pilot.guardrails],
        "power": pilot.power,
        "alpha": pilot.alpha,
        "stops": sorted(pilot.stops),
        "decisions": dict(pilot.decisions),
        "history": pilot.history / _DAY if pilot.history else None,
        "longest": pilot.longest / _DAY,
        "control": experiment.control,
        "arms": dict(experiment.arms),
        "baseline": size.baseline if size else None,
        "deviation": size.deviation if size else None,
        "cuped_gain": size.cuped_gain if size else None,
        "people_a_day": size.people_a_day if size else None,
        "left_alone": size.left_alone if size else None,
        "counted": list(size.counted) if size else [],
        "not_counted": list(size.left_out) if size else [],
        "people_needed": total,
        "units_needed": _units(total, experiment, size),
        "days_needed": needed.days if needed and people is None else None,
        "people_from": "history" if people is None else "given",
        "sized_at": now.isoformat(),
        "rule": _RULE,
    }


def _units(people: int | None, experiment: Experiment, size: Size | None) -> int | None:
    """So many people as chance assigns them; None where nobody knows how large clusters are."""
    if size is None:
        return None if experiment.cluster else people
    return people and math.ceil(people / size.people_of_unit)


def _absolute(change: Change) -> float | None:
    return None if change.relative else change.size


def stop_pilot(app: App, name: str, *, keep: str | None = None, learned: str = "") -> Standing:
    """End a pilot: everybody gets one arm; its verdict, its figures and what it taught are kept.

    Args:
        app: the wired application.
        name: an experiment in force that was started.
        keep: the arm that everybody gets; None is the control.
        learned: what it taught, for those who come later.

    Raises:
        NotFoundError: there is no such experiment.
        DefinitionError: it has no plan, so that it ends when it leaves the folder.
        InputError: it does not run, or has no such arm.
    """
    with app.ledger.read() as transaction:
        experiment = defined(workspace.in_force(transaction), name)
        planned(experiment)
        standing = experiments_store.standings(transaction).get(name)
    kept = experiment.control if keep is None else keep
    if kept not in experiment.arms:
        raise InputError(
            f"It has no arm {kept!r}; its arms: {', '.join(experiment.arms)}.", place=name
        )
    if standing is None or standing.stopped_at is not None:
        raise InputError("It does not run, so it cannot be stopped.", place=name)
    lift = measured(app, name, msgspec.json.decode(standing.plan))
    ran = app.clock.now() - standing.started_at
    told = _advice(experiment, lift, _WHOEVER_IS_THERE, ran)
    return _end(app, experiment, lift, _verdict(experiment, told), kept=kept, learned=learned)


def assess_pilots(app: App) -> None:
    """Look at every pilot that runs; end those that a stop rule of their plan ends.

    Harm, futility, arms of the wrong size and the end of the longest time give everybody the
    control. Success ends nothing: an effect that is shown early is too large, and the plan's people
    give its size.

    Raises:
        HomeError: the disk is full or the ledger is locked.
    """
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        standings = experiments_store.standings(transaction)
    for name, standing in standings.items():
        experiment = definitions.experiments.get(name)
        if experiment and experiment.pilot and standing.stopped_at is None:
            _try(app, experiment, standing)


def _try(app: App, experiment: Experiment, standing: Standing) -> None:
    """Look at one pilot; that one cannot be measured must not keep the others from it."""
    try:
        _assess(app, experiment, standing)
    except HomeError:
        raise
    except CourtesyError:
        _log.exception("pilot could not be assessed", experiment=experiment.name)


def _assess(app: App, experiment: Experiment, standing: Standing) -> None:
    name, plan = experiment.name, msgspec.json.decode(standing.plan)
    lift, ran = measured(app, name, plan), app.clock.now() - standing.started_at
    told = _advice(experiment, lift, plan["units_needed"], ran)
    _log.info("pilot assessed", experiment=name, reason=told.reason, said=told.sentence)
    reason = told.reason if told.stops and told.reason in _EARLY else "longest"
    if reason != "longest" or ran >= planned(experiment).longest:
        verdict = f"Ended by its plan ({reason}). {_verdict(experiment, told)}"
        _end(app, experiment, lift, verdict, kept=experiment.control, learned=told.sentence)
        _log.warning("pilot ended", experiment=name, verdict=verdict)


def _advice(experiment: Experiment, lift: Lift | None, units: int | None, ran: timedelta) -> Advice:
    if lift is None:
        return Advice(UNKNOWN, "Nothing could be compared.", stops=False, reason="running")
    return advice(lift, planned(experiment), units, ran)


def _verdict(experiment: Experiment, told: Advice) -> str:
    """What was shown, and what the plan says will be done then."""
    decision = planned(experiment).decisions.get(told.outcome, "")
    return f"{told.outcome}: {told.sentence} {decision}".strip()


def _end(  # noqa: PLR0913 - what a pilot leaves behind
    app: App,
    experiment: Experiment,
    lift: Lift | None,
    verdict: str,
    *,
    kept: str,
    learned: str,
) -> Standing:
    now = app.clock.now()
    result = msgspec.json.encode(as_data(lift) if lift else {}).decode()
    hypothesis = planned(experiment).hypothesis
    learning = Learning(
        experiment.name, now, experiment.owner, hypothesis, verdict, learned, result
    )
    with app.ledger.write() as transaction:
        experiments_store.stop(transaction, experiment.name, now, kept, verdict)
        experiments_store.learn(transaction, learning)
        return experiments_store.standings(transaction)[experiment.name]
