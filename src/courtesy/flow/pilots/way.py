"""The way from a journey's entry to its test, walked by people of the past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import polars as pl

from courtesy.flow.arms import dealt
from courtesy.flow.holdouts import after_entry, counts_entry
from courtesy.flow.pilots.then import held, known_now
from courtesy.flow.trigger import Turn
from courtesy.ground.rules import Condition
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import Branch, Journey, Send, Trial, Wait
from courtesy.stages.journeys.model import Node

_NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Way:
    """What lies before the test of an experiment in a journey."""

    journey: Journey
    test: str

    @cached_property
    def nodes(self) -> Sequence[Node]:
        """The steps that somebody may meet who has not come to the test, each once."""
        found: dict[str, Node] = {}
        ahead = [self.journey.first]
        while ahead:
            step = ahead.pop()
            node = self.journey.nodes.get(step)
            if node is not None and step not in found and not self.ends_at(node):
                found[step] = node
                ahead += _targets(node)
        return tuple(found[step] for step in sorted(found))

    @cached_property
    def longest(self) -> timedelta:
        """How long somebody may wait before they come to the test, at the most."""
        known: dict[str, timedelta] = {}

        def ahead(step: str) -> timedelta:
            if step not in known:
                node = self.journey.nodes.get(step)
                own = node.length if isinstance(node, Wait) else _NO_TIME
                beyond = [] if node is None or self.ends_at(node) else _targets(node)
                known[step] = own + max(map(ahead, beyond), default=_NO_TIME)
            return known[step]

        return ahead(self.journey.first)

    @property
    def conditions(self) -> Iterator[Condition]:
        """Those of the entry, of branches before the test, of the goal and the exit."""
        journey = self.journey
        goal = journey.goal.condition if journey.goal else None
        given = (journey.entry.condition, goal, journey.exit)
        yield from (condition for condition in given if condition is not None)
        for node in self.nodes:
            if isinstance(node, Branch):
                yield from (condition for condition, _ in node.options)

    @property
    def alike(self) -> tuple[object, ...]:
        """What decides who comes to the test: equal for versions that differ elsewhere."""
        journey = self.journey
        return journey.entry, journey.goal, journey.exit, journey.first, self.nodes

    def ends_at(self, node: Node) -> bool:
        """Whether a step is the test."""
        return isinstance(node, Trial) and node.experiment == self.test

    def untold(self) -> Iterator[str]:
        """What a walk through the past cannot know of it."""
        if any(isinstance(node, Send) for node in self.nodes):
            yield f"what the messages of {self.journey.name} before the test make people do"
        for names in known_now(self.conditions):
            yield f"{names} of the past: {self.journey.name} asks for them as they are now"


def arrived(turn: Turn, way: Way, entered: pl.DataFrame) -> pl.DataFrame:
    """Those who come to the test, and when.

    Args:
        turn: where conditions and other tests are looked up.
        way: from the entry to the test.
        entered: ``person_id, entered_at, entry, entry_event_id`` and more, a row for each entry.

    Returns:
        The rows of those who come to the test before the journey's goal or exit ends their passage,
        with ``reached_at``, and with ``exposed_at``, which lies after the entry.
    """
    begun = pl.col("entered_at")
    start = entered.with_columns(begun.alias("at"), begun.alias("since"))
    moving, found = [(way.journey.first, start)], [start.clear()]
    while moving:
        step, group = moving.pop()
        node = way.journey.nodes.get(step)
        if node is None or group.is_empty():
            continue
        if way.ends_at(node):
            found.append(group)
        else:
            moving += _onward(turn, node, group)
    stayed = _staying(turn, way.journey, pl.concat(found))
    counted = stayed.with_columns(entry_counts=counts_entry(turn.definitions, way.journey))
    return (
        counted.with_columns(after_entry("at").alias("exposed_at"))
        .rename({"at": "reached_at"})
        .drop("since")
    )


def _onward(turn: Turn, node: Node, group: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Where a group goes from a step, and when it is there."""
    if isinstance(node, Wait):
        return [(node.after, group.with_columns(pl.col("at") + node.length))]
    if isinstance(node, Branch):
        return _parted(group, node.otherwise, _chosen(turn, node, group))
    if isinstance(node, Trial):
        return _parted(group, node.after, _dealt(turn, node, group))
    return [(node.after, group)] if isinstance(node, Send) else []


def _parted(
    group: pl.DataFrame, otherwise: str, target: pl.Series
) -> list[tuple[str, pl.DataFrame]]:
    goes = group.with_columns(target.fill_null(otherwise).alias("target"))
    parts = goes.partition_by("target", as_dict=True, include_key=False)
    return [(str(step), part) for (step,), part in parts.items()]


def _chosen(turn: Turn, branch: Branch, group: pl.DataFrame) -> pl.Series:
    """Where the first condition that held leads; null where none did."""
    asked = {str(number): condition for number, (condition, _) in enumerate(branch.options)}
    truths = held(turn, asked, group)
    ways = [
        pl.when(str(number)).then(pl.lit(target))
        for number, (_, target) in enumerate(branch.options)
    ]
    return truths.select(pl.coalesce(ways).alias("target"))["target"]


def _dealt(turn: Turn, trial: Trial, group: pl.DataFrame) -> pl.Series:
    """Where the arm of another test leads; null for an arm without steps of its own."""
    experiment = turn.definitions.experiments.get(trial.experiment)
    nowhere = pl.Series("target", [None] * group.height, dtype=pl.String)
    if experiment is None or not trial.ways:
        return nowhere
    people = group.select("person_id").unique(maintain_order=True)
    standings = experiments_store.standings(turn.transaction)
    arms = dealt(turn.transaction, turn.definitions, experiment, people, standings, turn.now)
    joined = group.join(arms, on="person_id", how="left", maintain_order="left")
    return joined["arm"].replace_strict(trial.ways, default=None, return_dtype=pl.String)


def _staying(turn: Turn, journey: Journey, group: pl.DataFrame) -> pl.DataFrame:
    """Those whom neither goal nor exit took out on the way, after the entry itself."""
    goal = journey.goal.condition if journey.goal else None
    asked = {name: one for name, one in (("goal", goal), ("exit", journey.exit)) if one is not None}
    waited = pl.col("at") > pl.col("since")
    if not asked or group.is_empty():
        return group
    truths = held(turn, asked, group.filter(waited), anchored=True)
    stayed = truths.filter(~pl.any_horizontal(*asked)).drop(*asked)
    return pl.concat([group.filter(~waited), stayed])


def _targets(node: Node) -> list[str]:
    if isinstance(node, Branch):
        return [*(target for _, target in node.options), node.otherwise]
    if isinstance(node, Trial):
        return [*node.ways.values(), node.after]
    return [node.after] if isinstance(node, Send | Wait) else []
