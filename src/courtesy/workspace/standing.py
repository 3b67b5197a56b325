"""On which definitions people stand, so that none of them goes by its absence from a folder."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from courtesy.ground.definitions import store as definitions
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import Condition, mentions
from courtesy.stages.journeys import Branch, Journey, Send, describe_step
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages.outbox import store as outbox_store
from courtesy.workspace.model import POLICY, Source, Workspace

Key = tuple[str, str]


@dataclass(frozen=True)
class Standing:
    """Who is in a journey: people by the step that they come to next, and messages that wait."""

    steps: Mapping[str, int]
    messages: int

    @property
    def people(self) -> int:
        """How many people are inside."""
        return sum(self.steps.values())

    def __str__(self) -> str:
        where = ", ".join(f"{step}: {count:,}" for step, count in self.steps.items())
        return (
            f"{self.people:,} people stand in it{f' ({where})' if where else ''}; "
            f"{self.messages:,} messages wait"
        )


def standing(transaction: Transaction, now: Workspace) -> dict[str, Standing]:
    """The journeys in which people stand, or whose messages wait."""
    steps: dict[str, Counter[str]] = {}
    for row in journeys_store.standing_at(transaction):
        place = describe_step(now.versions.get((row["journey"], row["version"])), row["step"])
        steps.setdefault(row["journey"], Counter())[place] += int(row["people"])
    waiting = outbox_store.waiting_by_journey(transaction)
    names = sorted(steps.keys() | waiting.keys())
    return {name: Standing(steps.get(name, Counter()), waiting.get(name, 0)) for name in names}


def kept(
    transaction: Transaction,
    now: Workspace,
    sources: Sequence[Source],
    people: Mapping[str, Standing],
) -> list[Source]:
    """The definitions in force that stay though a folder lacks them: people stand on them.

    These are journeys with somebody inside, all that they use, and the policy while anything is
    under way.
    """
    active = {(v.kind, v.name): v for v in definitions.active(transaction)}
    absent = active.keys() - {(one.kind, one.name) for one in sources}
    stay = {("journey", name) for name in people if ("journey", name) in absent}
    if people or outbox_store.is_any_at_provider(transaction):
        stay |= absent & {(POLICY, POLICY)}
    used = {key for _, name in stay for key in _used(now, now.journeys.get(name))}
    flying = journeys_store.versions_in_flight(transaction)
    used |= {key for one in flying for key in _audiences_of(now.versions.get(one))}
    stay |= absent & _closure(now, used, absent)
    return [
        Source(kind, name, active[kind, name].body, f"{kind} {name} (in force)")
        for kind, name in sorted(stay)
    ]


def _used(now: Workspace, journey: Journey | None) -> Iterator[Key]:
    """What a journey refers to, by kind and name; a template by its stem."""
    if journey is None:
        return
    yield from _audiences_of(journey)
    yield from (("experiment", name) for name in journey.tested)
    if any(name in now.experiments for name in journey.tested):
        yield from (("metric", name) for name in now.metrics)
    yield from (("template", name) for name in templates_of(journey))


def templates_of(journey: Journey) -> set[str]:
    """The names of the templates that a journey may say."""
    sends = [node for node in journey.nodes.values() if isinstance(node, Send)]
    named = {send.template for send in sends if "{{" not in send.template}
    return named | {one.template for send in sends for one in send.variants.values()}


def _audiences_of(journey: Journey | None) -> Iterator[Key]:
    if journey is None:
        return
    if journey.entry.audience:
        yield "audience", journey.entry.audience
    for condition in _conditions(journey):
        yield from (("audience", name) for name in mentions(condition).audiences)


def _conditions(journey: Journey) -> Iterator[Condition]:
    branches = [node for node in journey.nodes.values() if isinstance(node, Branch)]
    options = [condition for branch in branches for condition, _ in branch.options]
    goal = journey.goal.condition if journey.goal else None
    for condition in (journey.entry.where, journey.entry.condition, journey.exit, goal, *options):
        if condition is not None:
            yield condition


def _closure(now: Workspace, used: Iterable[Key], absent: Iterable[Key]) -> set[Key]:
    """The absent definitions that are used, also by audiences and experiments that are used."""
    found, todo = set[Key](), list(used)
    while todo:
        kind, name = todo.pop()
        keys = {key for key in absent if key[0] == kind and _is_named(key, name)} - found
        found |= keys
        todo += [more for key in keys for more in _behind(now, key)]
    return found


def _is_named(key: Key, name: str) -> bool:
    kind, own = key
    return (PurePath(own).stem if kind == "template" else own) == name


def _behind(now: Workspace, key: Key) -> Iterator[Key]:
    kind, name = key
    conditions = []
    if kind == "audience" and name in now.audiences:
        conditions = [now.audiences[name].when]
    if kind == "experiment" and name in now.experiments:
        eligible = now.experiments[name].eligible
        conditions = [eligible] if eligible is not None else []
    for condition in conditions:
        yield from (("audience", one) for one in mentions(condition).audiences)
