"""Everything a statement of ``ground.rules`` reads, and no more than its conditions mention."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from courtesy.ground.lake import Engine, Table
from courtesy.ground.rules import (
    Condition,
    Consented,
    Leaf,
    Member,
    Reachable,
    Trait,
    leaves,
    lookback,
    mentions,
)
from courtesy.stages.audiences.model import BEGUN, GIVEN
from courtesy.stages.audiences.store import Asked
from courtesy.stages.events.model import EVENTS

_ADDRESSES = {
    "email": ("email", r'^"[^@\s"]+@[^@\s"]+"$'),
    "phone": ("sms", r'^"\+?[0-9 ()./-]{5,}"$'),
}
_HISTORY = "SELECT person_id, {columns} FROM events"
_MERGED = """
SELECT coalesce(merges.into_id, events.person_id) AS person_id, {columns}
FROM events LEFT JOIN merges ON merges.person_id = events.person_id"""
_COLUMNS = "event, occurred_at, properties"
_IDENTIFIED = f"{_COLUMNS}, message_id"
_OF_GIVEN = """
WHERE events.person_id IN (SELECT person_id FROM given)"""
_OF_MERGED = """
WHERE events.person_id IN (SELECT person_id FROM given UNION ALL SELECT person_id FROM merges)"""


@dataclass(frozen=True)
class Sources:
    """Relations by name, and the SELECT that makes the history of the lake's events.

    ``history`` is empty where nothing is asked about events; the lake is not read then. Events
    before the day ``since`` (None: any) and after the day ``until`` are not looked at.
    """

    frames: dict[str, pl.DataFrame]
    until: date
    since: date | None = None
    history: str = ""

    def query(self, engine: Engine, sql: str) -> pl.DataFrame:
        """The rows of a statement."""
        tables: tuple[Table, ...] = (EVENTS,) if self.history else ()
        return engine.query(
            sql, tables=tables, frames=self.frames, since=self.since, until=self.until
        )


def gather(
    asked: Asked,
    conditions: Iterable[Condition],
    given: pl.DataFrame,
    now: datetime,
    *,
    anchored: bool = False,
) -> Sources:
    """Look up what the conditions mention about the people of ``given``."""
    wanted = list(conditions)
    found = [leaf for condition in wanted for _, leaf in leaves(condition)]
    shape = BEGUN if anchored else GIVEN
    frames = {"given": given.select(list(shape)).cast(shape), **_state(asked, found, now)}
    if not any(mentions(condition).events for condition in wanted):
        return Sources(frames, now.date())
    since = _begin(given) if anchored else _earliest(wanted, now)
    merges = asked.merges()
    if not merges.is_empty():
        frames["merges"] = merges
    history = _history(everyone=asked.everyone, merged=not merges.is_empty())
    columns = _IDENTIFIED if anchored else _COLUMNS
    return Sources(frames, now.date(), since, history.format(columns=columns))


def _history(*, everyone: bool, merged: bool) -> str:
    """The history of those asked about alone: the engine may keep it in memory between passes."""
    if merged:
        return _MERGED if everyone else _MERGED + _OF_MERGED
    return _HISTORY if everyone else _HISTORY + _OF_GIVEN


def _begin(given: pl.DataFrame) -> date | None:
    first = given["since"].min()
    return first.date() if isinstance(first, datetime) else None


def _earliest(conditions: Iterable[Condition], now: datetime) -> date | None:
    length = lookback(conditions)
    return (now - length).date() if length else None


def _state(asked: Asked, found: Iterable[Leaf], now: datetime) -> dict[str, pl.DataFrame]:
    traits = {leaf.name for leaf in found if isinstance(leaf, Trait)}
    audiences = {leaf.audience for leaf in found if isinstance(leaf, Member)}
    consents = {(leaf.topic, leaf.channel) for leaf in found if isinstance(leaf, Consented)}
    frames = {}
    if traits:
        frames["traits"] = asked.traits(traits)
    if audiences:
        frames["memberships"] = asked.memberships(audiences)
    if consents:
        frames["consents"] = asked.consents(consents, now)
    if any(isinstance(leaf, Reachable) for leaf in found):
        frames["reachable"] = _reachable(asked.traits(_ADDRESSES))
    return frames


def _reachable(traits: pl.DataFrame) -> pl.DataFrame:
    """``person_id, channel`` of everybody with an address that looks like one."""
    found = [
        traits.filter((pl.col("name") == trait) & pl.col("value").str.contains(pattern)).select(
            "person_id", pl.lit(channel).alias("channel")
        )
        for trait, (channel, pattern) in _ADDRESSES.items()
    ]
    return pl.concat(found)
