"""The inbox of accepted batches, what was seen, what was refused, and who may send."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events.model import INBOX, INSTANT, Accepted, Rejection, Source

_QUERIES = named_queries(__file__)
_ENDLESS = 2**62
_MARK_BITS = 20
_MARK_DIGITS = _MARK_BITS // 4
_REJECTIONS = pl.Schema(
    {
        "source": pl.String(),
        "received_at": INSTANT,
        "place": pl.String(),
        "reason": pl.String(),
        "body": pl.String(),
    }
)


def accept(transaction: Transaction, batches: Sequence[Accepted]) -> None:
    """Put batches into the inbox, and their rejections beside it."""
    for batch in batches:
        transaction.run(
            _QUERIES["accept"],
            source=batch.source,
            received_at=batch.received_at,
            history=int(batch.history),
            body=batch.collected.body,
        )
        reject(transaction, batch.source, batch.received_at, batch.collected.rejections)


def waiting(
    transaction: Transaction, after: int = 0, upto: int | None = None, limit: int = 1_000
) -> pl.DataFrame:
    """At most ``limit`` batches of the inbox, oldest first: rows of ``INBOX``.

    Args:
        transaction: of the ledger.
        after: only batches with a greater ``inbox_id``.
        upto: only batches up to this ``inbox_id``; all when None.
        limit: how many batches at most; each holds up to 5,000 events.
    """
    last = _ENDLESS if upto is None else upto
    return transaction.frame(_QUERIES["waiting"], INBOX, after=after, upto=last, limit=limit)


def waiting_count(transaction: Transaction) -> int:
    """How many batches wait in the inbox."""
    return int(transaction.scalar(_QUERIES["waiting_count"]))


def version_of(batch: Mapping[str, Any]) -> int:
    """What the lake notes when it has a row of ``INBOX``: its number, and a mark of its content.

    So that another batch of the same number, of a copy of this home, is not taken for it.
    """
    mark = int(digest(batch["body"].hex())[:_MARK_DIGITS], 16)
    return (int(batch["inbox_id"]) << _MARK_BITS) | mark


def number_of(version: int) -> int:
    """The ``inbox_id`` in what the lake notes."""
    return version >> _MARK_BITS


def explains(transaction: Transaction, version: int) -> bool:
    """Whether the batch that the lake notes still waits in the inbox."""
    number = number_of(version)
    found = waiting(transaction, after=number - 1, upto=number, limit=1)
    return not found.is_empty() and version_of(found.row(0, named=True)) == version


def newest(transaction: Transaction) -> int:
    """The greatest ``inbox_id`` that was ever given; this call takes the next one for itself."""
    taken = int(transaction.scalar(_QUERIES["take_number"]))
    transaction.run(_QUERIES["drop_number"], inbox_id=taken)
    return taken - 1


def done(transaction: Transaction, upto: int) -> None:
    """Take the batches up to this ``inbox_id`` out of the inbox."""
    transaction.run(_QUERIES["done"], upto=upto)


def unseen(transaction: Transaction, events: pl.DataFrame) -> pl.DataFrame:
    """The events that come for the first time: by ``message_id``, the first of each."""
    first = events.unique("message_id", keep="first", maintain_order=True)
    transaction.load("given", first.select("message_id"))
    seen = transaction.frame(_QUERIES["seen"], pl.Schema({"message_id": pl.String()}))
    return first.join(seen, on="message_id", how="anti", maintain_order="left")


def mark_seen(transaction: Transaction, events: pl.DataFrame) -> None:
    """Remember the ``message_id`` of these events for good."""
    transaction.load("given", events.select("message_id"))
    transaction.run(_QUERIES["mark_seen"])


def forget_unlisted(transaction: Transaction, listed: pl.DataFrame) -> int:
    """Forget every ``message_id`` but those ``listed``, so that it counts when it comes again."""
    transaction.load("given", listed.select("message_id").unique())
    return transaction.run(_QUERIES["forget_unlisted"])


def reject(
    transaction: Transaction, source: str, received_at: datetime, rejections: Sequence[Rejection]
) -> None:
    """Keep what was refused, with its reason."""
    for rejection in rejections:
        transaction.run(
            _QUERIES["reject"],
            source=source,
            received_at=received_at,
            place=rejection.place,
            reason=rejection.reason,
            body=rejection.body,
        )


def rejections(transaction: Transaction, limit: int) -> pl.DataFrame:
    """The newest refusals: source, received_at, place, reason, body."""
    return transaction.frame(_QUERIES["rejections"], _REJECTIONS, limit=limit)


def source_of(transaction: Transaction, write_key: str) -> str | None:
    """Who sends with this write key; None when nobody does."""
    found = transaction.scalar(_QUERIES["source_of"], key_hash=_hash(write_key))
    return None if found is None else str(found)


def add_source(transaction: Transaction, source: str, write_key: str, now: datetime) -> None:
    """Let ``source`` send with this write key; only a digest of the key is kept."""
    transaction.run(
        _QUERIES["add_source"], key_hash=_hash(write_key), source=source, created_at=now
    )


def drop_source(transaction: Transaction, source: str) -> int:
    """Let nobody send as ``source`` any more; returns how many keys it had."""
    return transaction.run(_QUERIES["drop_source"], source=source)


def sources(transaction: Transaction) -> Sequence[Source]:
    """Everybody who may send, oldest first."""
    rows = transaction.rows(_QUERIES["sources"])
    return [Source(row["source"], instant(row["created_at"])) for row in rows]


def _hash(write_key: str) -> str:
    return digest("write-key", write_key)
