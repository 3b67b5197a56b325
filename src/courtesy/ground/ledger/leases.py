"""Leases: which workers live, so that nobody touches what a living one has claimed.

A row that is claimed names its ``worker``; the claim stands as long as that worker's lease, which
it renews while it lives. Leases are in the machine's time, also where a clock is virtual.
"""

from datetime import datetime, timedelta

from courtesy.ground.ledger.queries import named_queries
from courtesy.ground.ledger.transaction import Transaction
from courtesy.ground.primitives.clock import instant

LEASE = timedelta(minutes=1)
"""How long a worker that says nothing is taken for alive."""

_QUERIES = named_queries(__file__)


def renew(transaction: Transaction, worker: str, now: datetime) -> None:
    """Give a worker its lease, or a longer one."""
    transaction.run(_QUERIES["renew"], worker=worker, lease_until=now + LEASE)


def end_lease(transaction: Transaction, worker: str) -> None:
    """Forget a worker, which has claimed nothing any more."""
    transaction.run(_QUERIES["end_lease"], worker=worker)


def leases(transaction: Transaction) -> dict[str, datetime]:
    """Until when each worker's lease stands."""
    rows = transaction.rows(_QUERIES["leases"])
    return {row["worker"]: instant(row["lease_until"]) for row in rows}
