"""The operational database: current state, in transactions.

In: a URL (SQLite or PostgreSQL), named queries, frames. Out: frames.
Verbs: ``Ledger.read``, ``Ledger.write``, ``Ledger.migrate``; ``Transaction.run``, ``frame``,
``load``; ``named_queries``.
"""

from courtesy.ground.ledger.connection import Ledger
from courtesy.ground.ledger.queries import named_queries
from courtesy.ground.ledger.transaction import Transaction

__all__ = ["Ledger", "Transaction", "named_queries"]
