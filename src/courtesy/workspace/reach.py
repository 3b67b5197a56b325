"""What a journey can never reach, or always does, whoever comes: decided from its text alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from courtesy.ground.definitions import Document
from courtesy.ground.definitions.document import spell
from courtesy.ground.primitives.clock import spell_duration
from courtesy.ground.rules import AllOf, Condition, Did, mentions
from courtesy.ground.rules.logic import holds_before_any_event, implies, is_always, is_never
from courtesy.stages.journeys import Branch, Journey, Send, Trial, Wait
from courtesy.stages.messages import Policy
from courtesy.workspace.model import Notice

_NO_TIME = timedelta(0)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Reading:
    document: Document
    journey: Journey

    def notice(self, node: str, detail: str) -> Notice:
        """A notice about a node, by its path as it is written in messages."""
        lines = {spell(path): path for path in self.document.lines}
        return Notice(self.document.place(lines[node]) if node in lines else node, detail)


def find_reach(document: Document, journey: Journey, policy: Policy | None) -> list[Notice]:
    """What can never be reached in a journey, or always is.

    Args:
        document: its text.
        journey: what it defines.
        policy: the one beside it.
    """
    reading = _Reading(document, journey)
    return [*_ends(reading), *_entries(reading), *_steps(reading), *_times(reading, policy)]


def _ends(reading: _Reading) -> Iterator[Notice]:
    journey = reading.journey
    goal = journey.goal.condition if journey.goal else None
    for word, condition in (("goal", goal), ("exit", journey.exit)):
        if condition is None:
            continue
        if is_never(condition):
            yield reading.notice(word, f"Nobody can reach this {word}: it contradicts itself.")
        elif holds_before_any_event(condition):
            detail = f"This {word} holds for whoever did nothing since the entry, so for everybody."
            yield reading.notice(word, detail)
        elif word == "exit" and not mentions(condition).events:
            detail = "It names no event, so it is looked at only when an event of the goal happens."
            yield reading.notice(
                word, detail if goal else "It names no event: nobody leaves by it."
            )


def _entries(reading: _Reading) -> Iterator[Notice]:
    entry = reading.journey.entry
    if entry.where is not None and is_never(entry.where):
        yield reading.notice("entry.where", "Nobody can enter: it contradicts itself.")
    if entry.condition is None:
        return
    if is_never(entry.condition):
        yield reading.notice("entry.if", "Nobody can enter: it contradicts itself.")
    elif entry.event and entry.where is None:
        came = Did(entry.event, within=entry.within)
        if is_never(AllOf((came, entry.condition))):
            detail = f"Nobody can enter: whoever comes has just done {entry.event}."
            yield reading.notice("entry.if", detail)


def _steps(reading: _Reading) -> Iterator[Notice]:
    journey = reading.journey
    reached = _earliest(journey)
    for step, node in journey.nodes.items():
        if step not in reached:
            yield reading.notice(step, "Nobody can come to this step.")
        if isinstance(node, Branch):
            for index, detail in _never_taken(node):
                yield reading.notice(f"{step}.branch[{index}]", detail)


def _never_taken(branch: Branch) -> Iterator[tuple[int, str]]:
    earlier: list[Condition] = []
    for index, (condition, _) in enumerate(branch.options):
        if is_never(condition):
            yield index, "Nobody can take this option: it contradicts itself."
        elif condition in earlier:
            yield index, "An earlier option has the same condition."
        elif any(implies(condition, one) for one in earlier):
            yield index, "Nobody comes to this option: an earlier one takes all whom it means."
        elif any(map(is_always, earlier)):
            yield index, "Nobody comes to this option: an earlier one takes everybody."
        earlier.append(condition)


def _times(reading: _Reading, policy: Policy | None) -> Iterator[Notice]:
    journey = reading.journey
    window = journey.goal.condition.within if journey.goal else None
    quiet = _longest_quiet(policy) if policy else _NO_TIME
    service = policy is not None and journey.topic in policy.service_topics
    for step, after in _earliest(journey).items():
        node = journey.nodes.get(step)
        if window is not None and isinstance(node, Wait) and node.length > window:
            days = f"{window / _DAY:g}"
            detail = f"This wait is longer than the {days} days in which the goal counts."
            yield reading.notice(step, detail)
        if not isinstance(node, Send):
            continue
        if window is not None and after > window:
            detail = (
                f"This comes {spell_duration(after)} after the entry at the earliest; the goal "
                f"counts for {spell_duration(window)}."
            )
            yield reading.notice(step, detail)
        if node.expires is not None and node.expires <= quiet and not service:
            detail = (
                f"It expires after {spell_duration(node.expires)}, and quiet hours last "
                f"{spell_duration(quiet)}: who comes to it as they begin never gets it."
            )
            yield reading.notice(step, detail)


def _longest_quiet(policy: Policy) -> timedelta:
    if policy.quiet_hours is None:
        return _NO_TIME
    start, end = (
        datetime.combine(date.min, moment)
        for moment in (policy.quiet_hours.start, policy.quiet_hours.end)
    )
    return (end - start) % _DAY


def _earliest(journey: Journey) -> dict[str, timedelta]:
    """How long after the entry each step that can be come to is reached at the earliest."""
    found: dict[str, timedelta] = {}
    ahead = [(_NO_TIME, journey.first)]
    while ahead:
        after, step = ahead.pop()
        node = journey.nodes.get(step)
        if node is None or found.get(step, timedelta.max) <= after:
            continue
        found[step] = after
        own = node.length if isinstance(node, Wait) else _NO_TIME
        ahead += [(after + own, target) for target in _targets(node)]
    return found


def _targets(node: object) -> list[str]:
    if isinstance(node, Branch):
        taken = [target for condition, target in node.options if not is_never(condition)]
        everybody = any(is_always(condition) for condition, _ in node.options)
        return taken if everybody else [*taken, node.otherwise]
    if isinstance(node, Trial):
        return [*node.ways.values(), node.after]
    return [node.after] if isinstance(node, Send | Wait) else []
