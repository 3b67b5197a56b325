"""Enrollments in the ledger."""

from datetime import datetime
from typing import Any

import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.stages.journeys.advance import Moves
from courtesy.stages.journeys.model import ENROLLMENTS, RUNNING, STANDING

_QUERIES = named_queries(__file__)
PASSED = pl.Schema(
    {
        "person_id": pl.String(),
        "version": pl.Int64(),
        "step": pl.String(),
        "entry": pl.String(),
        "entered_at": ENROLLMENTS["entered_at"],
        "passed_at": ENROLLMENTS["entered_at"],
    }
)
_INSTANTS = ("entered_at", "ended_at", "passed_at", "changed_at")


def due(transaction: Transaction, now: datetime, limit: int) -> pl.DataFrame:
    """``ENROLLMENTS`` rows whose next step is due, the longest due first."""
    return transaction.frame(_QUERIES["due"], ENROLLMENTS, now=now, limit=limit)


def next_due(transaction: Transaction) -> datetime | None:
    """When the next enrollment is due, if any waits."""
    found = transaction.scalar(_QUERIES["next_due"])
    return instant(found) if found is not None else None


def active_of(transaction: Transaction, pairs: pl.DataFrame) -> pl.DataFrame:
    """Active ``ENROLLMENTS`` rows of these pairs of ``person_id`` and ``journey``."""
    transaction.load("given", pairs.select("person_id", "journey"))
    return transaction.frame(_QUERIES["active_of"], ENROLLMENTS)


def standing(transaction: Transaction, journey: str, people: pl.DataFrame) -> pl.DataFrame:
    """``STANDING`` rows of those of ``people`` (``person_id``) who ever entered a journey."""
    transaction.load("given", people.select("person_id").unique())
    return transaction.frame(_QUERIES["standing"], STANDING, journey=journey)


def put(transaction: Transaction, enrollments: pl.DataFrame) -> None:
    """Keep ``ENROLLMENTS`` rows, new and moved."""
    if not enrollments.is_empty():
        transaction.load("given", enrollments)
        transaction.run(_QUERIES["put"])


def put_moves(transaction: Transaction, moves: Moves) -> None:
    """Keep where everybody stands and what they passed."""
    put(transaction, moves.enrollments)
    if not moves.passages.is_empty():
        transaction.load("given", moves.passages)
        transaction.run(_QUERIES["pass"])


def end(transaction: Transaction, ended: pl.DataFrame, now: datetime) -> None:
    """End active enrollments, each for its ``reason``."""
    if not ended.is_empty():
        transaction.load("given", ended.select("enrollment_id", "reason"))
        transaction.run(_QUERIES["end"], now=now)


def merge(transaction: Transaction, merges: pl.DataFrame) -> None:
    """Give the enrollments of people who were merged to those they became."""
    if not merges.is_empty():
        transaction.load("given", merges)
        transaction.run(_QUERIES["merge"])


def states(transaction: Transaction) -> dict[str, str]:
    """The journeys that are ``paused`` or ``stopped``, by name."""
    return {row["journey"]: row["state"] for row in transaction.rows(_QUERIES["states"])}


def put_state(
    transaction: Transaction,
    journey: str,
    state: str | None,
    now: datetime,
    changed_by: str = "",
) -> None:
    """Pause or stop a journey; with None it runs again. Who did it, and when, is kept."""
    noted = {"journey": journey, "state": state or RUNNING, "changed_by": changed_by}
    transaction.run(_QUERIES["put_change"], now=now, **noted)
    if state is None:
        transaction.run(_QUERIES["drop_state"], journey=journey)
    else:
        transaction.run(_QUERIES["put_state"], journey=journey, state=state, now=now)


def changes(transaction: Transaction, journey: str) -> list[dict[str, Any]]:
    """When a journey was paused, resumed and stopped: ``state, changed_at, changed_by``."""
    return [_dated(row) for row in transaction.rows(_QUERIES["changes"], journey=journey)]


def stop(transaction: Transaction, journey: str, now: datetime) -> int:
    """End every passage through a journey, for the reason ``stopped``; returns how many."""
    return transaction.run(_QUERIES["stop"], journey=journey, now=now)


def clear(transaction: Transaction) -> None:
    """Forget everybody's passage: of a copy that begins with the history alone."""
    transaction.run(_QUERIES["clear_passages"])
    transaction.run(_QUERIES["clear_enrollments"])


def standing_at(transaction: Transaction) -> list[dict[str, Any]]:
    """How many people stand at each step: ``journey, version, step, people``."""
    return transaction.rows(_QUERIES["standing_at"])


def versions_in_flight(transaction: Transaction) -> set[tuple[str, int]]:
    """The (journey, version) pairs that somebody is in."""
    rows = transaction.rows(_QUERIES["versions_in_flight"])
    return {(row["journey"], row["version"]) for row in rows}


def counts(transaction: Transaction) -> list[dict[str, Any]]:
    """How many enrollments there are, by journey, version, arm, state and reason."""
    return transaction.rows(_QUERIES["counts"])


def passed(
    transaction: Transaction, journey: str, since: datetime, until: datetime
) -> pl.DataFrame:
    """Who passed which step of a journey, from ``since`` on and before ``until``: ``PASSED``."""
    return transaction.frame(_QUERIES["passed"], PASSED, journey=journey, since=since, until=until)


def of_person(transaction: Transaction, person_id: str) -> dict[str, list[dict[str, Any]]]:
    """One person's enrollments and every step they passed."""
    found = {
        "enrollments": transaction.rows(_QUERIES["of_person"], person_id=person_id),
        "passages": transaction.rows(_QUERIES["passages_of"], person_id=person_id),
    }
    return {name: [_dated(row) for row in rows] for name, rows in found.items()}


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: instant(value) if name in _INSTANTS and value is not None else value
        for name, value in row.items()
    }
