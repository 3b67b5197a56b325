"""The outbox while it is handed over: what workers claimed, what is uncertain, who is held."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant

_QUERIES = named_queries(__file__)
_INSTANTS = ("due_at", "handed_over_at", "held_since", "failed_at")
_ID = pl.Schema({"message_id": pl.String()})


def release(transaction: Transaction, worker: str) -> int:
    """Give back to the queue what a worker claimed and never handed over; returns how many."""
    return transaction.run(_QUERIES["release"], worker=worker)


def doubt_claims(transaction: Transaction, worker: str, now: datetime) -> int:
    """Mark as ``uncertain`` what a worker claimed that left no journal; returns how many."""
    return transaction.run(_QUERIES["doubt_claims"], worker=worker, now=now)


def is_any_unowned(transaction: Transaction) -> bool:
    """Whether messages are claimed that no worker's are: by a version that knew no workers."""
    return bool(transaction.scalar(_QUERIES["unowned"]))


def uncertain(transaction: Transaction) -> list[dict[str, Any]]:
    """Messages of which nobody knows whether the provider took them, the oldest first."""
    return [_with_instants(row) for row in transaction.rows(_QUERIES["uncertain"])]


def repeat(transaction: Transaction, message_ids: Sequence[str], now: datetime) -> int:
    """Queue uncertain messages again, under the same id; returns how many were uncertain."""
    transaction.load("given", pl.DataFrame({"message_id": message_ids}, schema=_ID))
    return transaction.run(_QUERIES["repeat"], now=now)


def unanswered(transaction: Transaction, before: datetime, most: int) -> list[str]:
    """Uncertain messages of which nothing came back.

    They were handed over by ``before``, and fewer than ``most`` times.
    """
    rows = transaction.rows(_QUERIES["unanswered"], before=before, most=most)
    return [row["message_id"] for row in rows]


def hold(transaction: Transaction, channel: str, now: datetime, detail: str) -> None:
    """Note that a channel's provider failed, again or for the first time."""
    transaction.run(_QUERIES["hold"], channel=channel, now=now, detail=detail)


def end_hold(transaction: Transaction, channel: str) -> int:
    """Note that a channel's provider can be used; returns whether it could not be before."""
    return transaction.run(_QUERIES["end_hold"], channel=channel)


def holds(transaction: Transaction) -> list[dict[str, Any]]:
    """The channels whose provider fails, with ``held_since``, ``failed_at`` and ``detail``."""
    return [_with_instants(row) for row in transaction.rows(_QUERIES["holds"])]


def waiting(transaction: Transaction, now: datetime) -> list[dict[str, Any]]:
    """How many messages are due, by channel: ``messages``, and ``due_at`` of the oldest."""
    return [_with_instants(row) for row in transaction.rows(_QUERIES["waiting"], now=now)]


def _with_instants(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: instant(value) if name in _INSTANTS and value is not None else value
        for name, value in row.items()
    }


def waiting_by_journey(transaction: Transaction) -> dict[str, int]:
    """How many messages of each journey wait to be handed over."""
    rows = transaction.rows(_QUERIES["waiting_by_journey"])
    return {row["journey"]: int(row["messages"]) for row in rows}


def is_any_at_provider(transaction: Transaction) -> bool:
    """Whether messages may come back to the queue from a provider: ``sending``, ``uncertain``."""
    return bool(transaction.scalar(_QUERIES["at_provider"]))


def pause(transaction: Transaction, journey: str) -> int:
    """Keep a journey's waiting messages in; returns how many."""
    return transaction.run(_QUERIES["pause"], journey=journey)


def resume(transaction: Transaction, journey: str) -> int:
    """Let a journey's messages out again; each is judged anew at hand-over. Returns how many."""
    return transaction.run(_QUERIES["resume"], journey=journey)


def recall(transaction: Transaction, journey: str) -> int:
    """Refuse a journey's waiting messages as ``recalled``; returns how many."""
    return transaction.run(_QUERIES["recall"], journey=journey)


def people_reached(transaction: Transaction, now: datetime) -> int:
    """How many people were written to, or will be with what is due."""
    return int(transaction.scalar(_QUERIES["people_reached"], now=now))
