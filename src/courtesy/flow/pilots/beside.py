"""Plan beside fact: what a pilot expected, and what there is."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.lift.look import lift_of
from courtesy.ground.primitives.errors import DataError, NotFoundError
from courtesy.ground.stats import ALARM, AlwaysValid
from courtesy.stages.experiments import Change, Guardrail, Standing
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Comparison, Lift
from courtesy.stages.lift.advice import SAMPLE_RATIO
from courtesy.stages.lift.limits import BROKEN, HELD, futile, guarded
from courtesy.stages.lift.model import HIGHER
from courtesy.stages.lift.verdict import BETTER, decided, verdict

_DAY = timedelta(days=1)


def plan_beside_fact(app: App, name: str, lift: Lift | None = None) -> list[dict[str, Any]]:
    """What was planned and what became of it, one row for each figure.

    Args:
        app: the wired application.
        name: a pilot that was started.
        lift: what it shows under the rule of its plan, where that was measured just now.

    Returns:
        Rows of plain data: ``figure`` (``people``, ``days``, ``sample_ratio``, ``baseline``,
        ``effect``, ``guardrail``), ``metric`` and ``arm`` (None where it is of none), ``planned``
        and ``actual`` (numbers, None where there is none yet), ``low`` and ``high`` (ends of the
        actual's interval) and ``ok``: whether it is as planned, None where nobody can tell yet.
        The planned ``effect`` is the smallest worth having, which is ok where there surely is one
        and not where so much is ruled out; that of a ``guardrail`` is the harm that is too much,
        which is ok where it is ruled out and not where there surely is as much.

        The ``sample_ratio`` is a p-value that holds at any look, beside the one below which the
        plan ends the pilot; it has a row where the plan names it under ``stops``.

    Raises:
        NotFoundError: no pilot of this name was started.
    """
    with app.ledger.read() as transaction:
        standing = experiments_store.standings(transaction).get(name)
        there = name in workspace.in_force(transaction).experiments
    if standing is None:
        raise NotFoundError("It was not started, so nothing stands beside its plan.", place=name)
    plan = msgspec.json.decode(standing.plan)
    if lift is None and there:
        lift = measured(app, name, plan)
    return [*_progress(plan, standing, lift, app.clock.now()), *_effects(plan, lift)]


def measured(app: App, name: str, plan: Mapping[str, Any]) -> Lift | None:
    """What a pilot shows under the rule of its plan; None before anything can be compared."""
    try:
        return lift_of(app, name, AlwaysValid(plan["alpha"]))
    except DataError:
        return None


def _progress(
    plan: Mapping[str, Any], standing: Standing, lift: Lift | None, now: datetime
) -> Iterator[dict[str, Any]]:
    needed, people = plan["people_needed"], sum(arm.units for arm in lift.arms) if lift else 0
    ended = standing.stopped_at is not None
    enough = people >= needed
    yield _row("people", planned=needed, actual=people) | {
        "ok": enough if enough or ended else None
    }
    expected = plan["days_needed"]
    ran = ((standing.stopped_at or now) - standing.started_at) / _DAY
    late = expected is not None and ran > expected
    known = expected is not None and (late or ended)
    yield _row("days", planned=expected, actual=ran) | {"ok": not late if known else None}
    yield from _shares(plan, lift)


def _shares(plan: Mapping[str, Any], lift: Lift | None) -> Iterator[dict[str, Any]]:
    """Whether the arms have their people, where the plan says that the pilot ends if not."""
    ratio = lift.sample_ratio if lift else None
    if ratio is not None and SAMPLE_RATIO in plan["stops"]:
        p_value = ratio.sequential_p_value
        ok = None if p_value is None else p_value >= ALARM
        yield _row(SAMPLE_RATIO, planned=ALARM, actual=p_value) | {"ok": ok}


def _effects(plan: Mapping[str, Any], lift: Lift | None) -> Iterator[dict[str, Any]]:
    comparisons = lift.comparisons if lift else ()
    primary = decided(comparisons, plan["primary"])
    control = primary[0].control_mean if primary else None
    yield _row("baseline", plan["primary"], planned=plan["baseline"], actual=control)
    for one in primary:
        ok = _found(one, Change(**plan["minimal_effect"]), plan["alpha"])
        yield _beside(one, "effect", plan["effect"]) | {"ok": ok}
    for written in plan["guardrails"]:
        guardrail = Guardrail(written["metric"], Change(**written["harm"]))
        for one in decided(comparisons, guardrail.metric):
            ok = {HELD: True, BROKEN: False}.get(guarded(one, guardrail))
            yield _beside(one, "guardrail", _harm(guardrail.harm, one)) | {"ok": ok}


def _row(
    figure: str, metric: str | None = None, *, planned: float | None, actual: float | None
) -> dict[str, Any]:
    row = {"figure": figure, "metric": metric, "arm": None, "planned": planned, "actual": actual}
    return row | {"low": None, "high": None, "ok": None}


def _beside(one: Comparison, figure: str, planned: float | None) -> dict[str, Any]:
    ends = {"arm": one.arm, "low": one.effect_low, "high": one.effect_high}
    return _row(figure, one.metric, planned=planned, actual=one.effect) | ends


def _harm(harm: Change, one: Comparison) -> float | None:
    """The difference that is too much, in the metric's unit and in the bad direction."""
    if harm.relative and one.base is None:
        return None
    size = harm.size * (abs(one.base or 0.0) if harm.relative else 1.0)
    return -size if one.better == HIGHER else size


def _found(one: Comparison, minimal: Change, alpha: float) -> bool | None:
    if verdict(one, alpha) == BETTER:
        return True
    return False if futile(one, minimal) else None
