"""Bringing audiences up to date: who should be in, against who is."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import polars as pl

from courtesy.ground.lake import Engine
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import mentions
from courtesy.stages.audiences import store
from courtesy.stages.audiences.evaluate import evaluate
from courtesy.stages.audiences.model import Audience, Change


def refresh(
    transaction: Transaction, engine: Engine, audiences: Mapping[str, Audience], now: datetime
) -> dict[str, Change]:
    """Let in and out whom the audiences' conditions mean now.

    An audience that refers to others is refreshed after them; those that do not refer to each
    other share one look at the history. Audiences that are not among ``audiences`` lose their
    members.

    Args:
        transaction: where members are kept.
        engine: what reads the history.
        audiences: all that are in force, by name, each after those that it refers to.
        now: the present instant.

    Returns:
        Who joined and who left each audience.
    """
    store.keep_only(transaction, audiences)
    given = store.population(transaction)
    changes: dict[str, Change] = {}
    for level in _levels(audiences.values()):
        conditions = {audience.name: audience.when for audience in level}
        truths = evaluate(transaction, engine, conditions, given, now, everyone=True)
        for name in conditions:
            meant = truths.filter(pl.col(name)).select("person_id")
            changes[name] = difference(store.members(transaction, name), meant)
            store.put(transaction, name, changes[name], now)
    return changes


def difference(members: pl.DataFrame, meant: pl.DataFrame) -> Change:
    """Who joins and who leaves, when ``members`` should become ``meant``."""
    return Change(
        joined=meant.join(members, on="person_id", how="anti"),
        left=members.join(meant, on="person_id", how="anti"),
    )


def _levels(audiences: Iterable[Audience]) -> list[list[Audience]]:
    """Audiences in groups, each of which refers only to groups before it."""
    depths: dict[str, int] = {}
    levels: list[list[Audience]] = []
    for audience in audiences:
        depth = max((depths[name] + 1 for name in mentions(audience.when).audiences), default=0)
        depths[audience.name] = depth
        levels += [[]] * (depth == len(levels))
        levels[depth] = [*levels[depth], audience]
    return levels
