"""What people may meet before they next wait: the questions to ask before they move."""

from collections.abc import Iterator, Mapping

import polars as pl

from courtesy.ground.rules import Condition
from courtesy.stages.journeys.model import TESTED, Branch, Journey, Node, Send, Trial

Journeys = Mapping[tuple[str, int], Journey]
_PLACE = ("journey", "version", "step")


def conditions_ahead(due: pl.DataFrame, journeys: Journeys) -> dict[str, Condition]:
    """The conditions that the people who are due may meet before they next wait.

    Args:
        due: ``ENROLLMENTS`` rows.
        journeys: the checked definition of each (journey, version) among them.

    Returns:
        Conditions by the column that ``advance`` looks for them in.
    """
    found: dict[str, Condition] = {}
    for journey, version, step in _places(due):
        for node in _ahead(journeys[journey, version], step):
            if isinstance(node, Branch):
                for index, (condition, _) in enumerate(node.options):
                    found[column(journey, version, node.step, index)] = condition
    return found


def tests_ahead(due: pl.DataFrame, journeys: Journeys) -> pl.DataFrame:
    """The tests that the people who are due may pass before they next wait: ``TESTED`` rows.

    Args:
        due: ``ENROLLMENTS`` rows.
        journeys: the checked definition of each (journey, version) among them.
    """
    met = [
        (journey, version, step, node.experiment)
        for journey, version, step in _places(due)
        for node in _ahead(journeys[journey, version], step)
        if isinstance(node, Trial)
    ]
    kinds = {name: due.schema[name] for name in _PLACE} | {"experiment": pl.String()}
    places = pl.DataFrame(met, schema=kinds, orient="row").unique(maintain_order=True)
    found = due.join(places, on=_PLACE, how="inner", maintain_order="left_right")
    return found.select(TESTED.names())


def column(journey: str, version: int, step: str, index: int) -> str:
    """The column in which the facts about an option of a branch stand."""
    return f"{journey}/{version}/{step}/{index}"


def _places(due: pl.DataFrame) -> Iterator[tuple[str, int, str]]:
    return due.select(_PLACE).unique().sort(_PLACE).iter_rows()


def _ahead(journey: Journey, step: str) -> Iterator[Branch | Trial]:
    """The branches and tests that can be reached from a step without waiting, each once."""
    open_steps, seen = [step], set[str]()
    while open_steps:
        step = open_steps.pop()
        if step not in seen:
            seen.add(step)
            node: Node | None = journey.nodes.get(step)
            open_steps += _next(node)
            if isinstance(node, Branch | Trial):
                yield node


def _next(node: Node | None) -> list[str]:
    """Where somebody may go from a node at once."""
    if isinstance(node, Branch):
        return [*(target for _, target in node.options), node.otherwise]
    if isinstance(node, Trial):
        return [*node.ways.values(), node.after]
    return [node.after] if isinstance(node, Send) else []
