"""The lift of a journey: what the contact changed, against the people it left alone."""

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.night import publish
from courtesy.ground.primitives.errors import DataError, NotFoundError
from courtesy.ground.stats import Rule
from courtesy.stages.experiments import EXPOSURES, HOLDOUT, TREATED
from courtesy.stages.journeys import Journey
from courtesy.stages.lift import Lift, Metric, Plan, measure
from courtesy.stages.profiles import store as profiles_store


def lift_of(app: App, name: str, rule: Rule) -> Lift:
    """Measure a journey's goal, by intention to treat.

    Args:
        app: the wired application.
        name: a journey in force.
        rule: how sure the interval is, and for how many looks.

    Raises:
        NotFoundError: there is no journey of this name.
        DataError: the journey has no holdout or no goal, or nobody was exposed to it yet.
    """
    publish(app)
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        merges = profiles_store.merges(transaction)
    journey = definitions.journeys.get(name)
    if journey is None:
        there = ", ".join(sorted(definitions.journeys)) or "none"
        raise NotFoundError(f"There is no journey {name!r} in force. There is: {there}.")
    plan = Plan(
        experiment=name,
        control=HOLDOUT,
        metrics=[_goal(journey)],
        shares={HOLDOUT: journey.holdout, TREATED: 1 - journey.holdout},
        rule=rule,
    )
    return measure(app.engine, EXPOSURES, plan, now=app.clock.now(), merges=merges)


def _goal(journey: Journey) -> Metric:
    if not journey.holdout:
        raise DataError("It leaves nobody alone, so nothing can be compared.", place=journey.name)
    if journey.goal is None:
        raise DataError("It has no goal to look for.", place=journey.name)
    did = journey.goal.condition
    return Metric.goal(did.event, did)
