"""How far tasks have come that walk through time, such as a replay or the nights."""

from datetime import datetime

from courtesy.ground.ledger.queries import named_queries
from courtesy.ground.ledger.transaction import Transaction
from courtesy.ground.primitives.clock import instant

_QUERIES = named_queries(__file__)


def reached(transaction: Transaction, task: str) -> datetime | None:
    """The instant up to which a task is done; None before it began."""
    found = transaction.scalar(_QUERIES["reached"], task=task)
    return instant(found) if found is not None else None


def reach(transaction: Transaction, task: str, at: datetime) -> None:
    """Note that a task is done up to ``at``."""
    transaction.run(_QUERIES["reach"], task=task, reached_at=at)


def forget(transaction: Transaction, task: str) -> None:
    """Let a task begin anew."""
    transaction.run(_QUERIES["forget_progress"], task=task)
