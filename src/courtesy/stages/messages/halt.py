"""Messages of a journey that is paused, resumed or stopped."""

from courtesy.ground.ledger import Transaction, named_queries

_QUERIES = named_queries(__file__)


def waiting_by_journey(transaction: Transaction) -> dict[str, int]:
    """How many messages of each journey wait to be handed over."""
    rows = transaction.rows(_QUERIES["waiting_by_journey"])
    return {row["journey"]: int(row["messages"]) for row in rows}


def pause(transaction: Transaction, journey: str) -> int:
    """Keep a journey's waiting messages in; returns how many."""
    return transaction.run(_QUERIES["pause"], journey=journey)


def resume(transaction: Transaction, journey: str) -> int:
    """Let a journey's messages out again; each is judged anew at hand-over. Returns how many."""
    return transaction.run(_QUERIES["resume"], journey=journey)


def recall(transaction: Transaction, journey: str) -> int:
    """Refuse a journey's waiting messages as ``recalled``; returns how many."""
    return transaction.run(_QUERIES["recall"], journey=journey)
