"""What each journey changed, ready to be shown."""

from collections.abc import Mapping

from courtesy.app import App
from courtesy.doors.web.model import Measured
from courtesy.flow import lift_of
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.rules import describe
from courtesy.ground.stats import AlwaysValid
from courtesy.stages.experiments import HOLDOUT
from courtesy.stages.journeys import Journey
from courtesy.stages.lift import Lift

_EARLY = "It is too early: nobody's time to reach the goal is over, or too few people's."


def measured(app: App, journey: Journey, truths: Mapping[str, float]) -> Measured:
    """Measure one journey, for any number of looks; where that cannot be, say why."""
    goal = describe(journey.goal.condition) if journey.goal else ""
    try:
        lift = lift_of(app, journey.name, AlwaysValid())
    except DataError as error:
        return Measured(journey.name, goal, missing=error.detail)
    return _shaped(journey, goal, lift, truths.get(journey.name))


def _shaped(journey: Journey, goal: str, lift: Lift, truth: float | None) -> Measured:
    arms = {arm.arm: arm for arm in lift.arms}
    found = lift.comparisons[0]
    ratio = lift.sample_ratio
    early = found.effect is None
    return Measured(
        journey=journey.name,
        goal=goal,
        missing=_EARLY if early else found.no_interval,
        treated=found.arm_units,
        held_out=found.control_units,
        treated_share=found.arm_mean,
        held_out_share=found.control_mean,
        effect=found.effect,
        low=found.effect_low,
        high=found.effect_high,
        lift=found.lift,
        lift_low=found.lift_low,
        lift_high=found.lift_high,
        assigned_share=arms[HOLDOUT].share,
        expected_share=arms[HOLDOUT].expected_share,
        ratio_p_value=ratio.p_value if ratio else None,
        ratio_ok=ratio.ok if ratio else None,
        warnings=() if early else tuple(notice.detail for notice in lift.warnings),
        true_effect=truth,
    )
