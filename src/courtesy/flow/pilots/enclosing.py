"""The holdouts that leave people alone before they could come to an experiment."""

from collections.abc import Sequence

from courtesy.stages.experiments import UNIVERSAL
from courtesy.stages.journeys import Journey
from courtesy.stages.messages import Policy

Holdouts = Sequence[tuple[str, float]]
"""Names of holdouts, each with the share (0 to 1) that it leaves alone."""


def enclosing(policy: Policy | None, journey: Journey | None) -> Holdouts:
    """The holdouts around a test of a journey, the widest first; of a flag where that is None."""
    everything = [(UNIVERSAL, policy.holdouts.universal)] if policy else []
    if journey is None:
        return everything
    own = (journey.name, journey.holdout)
    if policy is None or journey.topic in policy.service_topics:
        return [own]
    program = journey.program or ""
    return [*everything, (program, policy.holdouts.programs.get(program, 0.0)), own]


def left_alone(holdouts: Holdouts) -> float:
    """The share (0 to 1) of people whom one or more of the holdouts leave alone."""
    free = 1.0
    for _, share in holdouts:
        free *= 1 - share
    return 1 - free
