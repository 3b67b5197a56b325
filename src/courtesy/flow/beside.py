"""Plan beside fact: what a pilot expected, and what there is."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.lift import lift_of
from courtesy.ground.primitives.errors import DataError, NotFoundError
from courtesy.ground.stats import AlwaysValid
from courtesy.stages.experiments import Standing
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Comparison, Lift
from courtesy.stages.lift.model import HIGHER

_DAY = timedelta(days=1)


def plan_beside_fact(app: App, name: str) -> list[dict[str, Any]]:
    """What was planned and what became of it, one row for each figure.

    Returns:
        Rows of plain data: ``figure`` (``people``, ``days``, ``baseline``, ``effect``,
        ``guardrail``), ``metric`` and ``arm`` (None where it is of none), ``planned`` and
        ``actual`` (numbers, None where there is none yet), ``low`` and ``high`` (ends of the
        actual's interval) and ``ok``: whether it is as planned, None where nobody can tell yet.
        The planned ``effect`` is the smallest worth having, which is ok where there surely is one
        and not where so much is ruled out; that of a ``guardrail`` is the harm that is too much,
        which is ok where it is ruled out and not where there surely is as much.

    Raises:
        NotFoundError: no pilot of this name was started.
    """
    with app.ledger.read() as transaction:
        standing = experiments_store.standings(transaction).get(name)
        there = name in workspace.in_force(transaction).experiments
    if standing is None:
        raise NotFoundError("It was not started, so nothing stands beside its plan.", place=name)
    plan = msgspec.json.decode(standing.plan)
    lift = measured(app, name, plan) if there else None
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
    yield _row("people", planned=needed, actual=people) | {"ok": people >= needed}
    expected = plan["days_needed"]
    ran = ((standing.stopped_at or now) - standing.started_at) / _DAY
    in_time = None if expected is None else ran <= expected
    yield _row("days", planned=expected, actual=ran) | {"ok": in_time}


def _effects(plan: Mapping[str, Any], lift: Lift | None) -> Iterator[dict[str, Any]]:
    comparisons = lift.comparisons if lift else ()
    primary = [one for one in comparisons if one.metric == plan["primary"]]
    control = primary[0].control_mean if primary else None
    yield _row("baseline", plan["primary"], planned=plan["baseline"], actual=control)
    for one in primary:
        yield _beside(one, "effect", plan["effect"]) | {"ok": _found(one, plan["effect"])}
    for guardrail in plan["guardrails"]:
        for one in comparisons:
            if one.metric == guardrail["metric"]:
                harm = _harm(guardrail["harm"], one)
                yield _beside(one, "guardrail", harm) | {"ok": _spared(one, harm)}


def _row(
    figure: str, metric: str | None = None, *, planned: float | None, actual: float | None
) -> dict[str, Any]:
    row = {"figure": figure, "metric": metric, "arm": None, "planned": planned, "actual": actual}
    return row | {"low": None, "high": None, "ok": None}


def _beside(one: Comparison, figure: str, planned: float | None) -> dict[str, Any]:
    ends = {"arm": one.arm, "low": one.effect_low, "high": one.effect_high}
    return _row(figure, one.metric, planned=planned, actual=one.effect) | ends


def _harm(harm: Mapping[str, Any], one: Comparison) -> float | None:
    """The difference that is too much, in the metric's unit and in the bad direction."""
    if harm["relative"] and one.control_mean is None:
        return None
    size = float(harm["size"]) * (abs(one.control_mean or 0.0) if harm["relative"] else 1.0)
    return -size if one.better == HIGHER else size


def _found(one: Comparison, effect: float | None) -> bool | None:
    best, worst = _ends(one, up=one.better == HIGHER)
    if best is None or worst is None:
        return None
    if worst > 0:
        return True
    return False if effect is not None and best < abs(effect) else None


def _spared(one: Comparison, harm: float | None) -> bool | None:
    best, worst = _ends(one, up=one.better == HIGHER)
    if best is None or worst is None or harm is None:
        return None
    if worst > -abs(harm):
        return True
    return False if best < -abs(harm) else None


def _ends(one: Comparison, *, up: bool) -> tuple[float | None, float | None]:
    """The best and the worst that the interval allows, with what is good above zero."""
    if one.effect_low is None or one.effect_high is None:
        return None, None
    return (one.effect_high, one.effect_low) if up else (-one.effect_low, -one.effect_high)
