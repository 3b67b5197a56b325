"""A step of a journey in words."""

from courtesy.ground.primitives.clock import spell_duration
from courtesy.stages.journeys.model import Branch, Journey, Send, Trial, Wait


def describe_step(journey: Journey | None, step: str) -> str:
    """Such as ``steps[1] send hello``; the step alone where the journey does not have it."""
    node = journey.nodes.get(step) if journey else None
    if isinstance(node, Send):
        return f"{step} send {node.template}"
    if isinstance(node, Wait):
        return f"{step} wait {spell_duration(node.length)}"
    if isinstance(node, Trial):
        return f"{step} test {node.experiment}"
    return f"{step} branch" if isinstance(node, Branch) else step
