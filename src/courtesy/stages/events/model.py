"""The nouns of this stage: an event, what was accepted, what was refused, and the limits."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from courtesy.ground.lake import Table

INSTANT = pl.Datetime("us", "UTC")

CALLS = ("identify", "track", "page", "screen", "group", "alias")
PERSON = "person"
OWN_SOURCE = "courtesy"
"""The source of what this server itself records."""

EVENT_BYTES = 32 * 1024
BATCH_BYTES = 500 * 1024
BATCH_EVENTS = 2_500
DEEPEST = 64
MESSAGE_ID_CHARACTERS = 99

EVENTS = Table(
    name="events",
    instant="occurred_at",
    schema=pl.Schema(
        {
            "message_id": pl.String(),
            "person_id": pl.String(),
            "type": pl.String(),
            "event": pl.String(),
            "user_id": pl.String(),
            "anonymous_id": pl.String(),
            "occurred_at": INSTANT,
            "received_at": INSTANT,
            "source": pl.String(),
            "properties": pl.String(),
            "context": pl.String(),
        }
    ),
)
"""The history of behaviour: one row for each event of a known person, partitioned by day."""

NORMALISED = pl.Schema(
    {
        "message_id": pl.String(),
        "type": pl.String(),
        "event": pl.String(),
        "user_id": pl.String(),
        "anonymous_id": pl.String(),
        "previous_id": pl.String(),
        "group_id": pl.String(),
        "occurred_at": INSTANT,
        "received_at": INSTANT,
        "source": pl.String(),
        "properties": pl.String(),
        "context": pl.String(),
        "traits": pl.String(),
        "history": pl.Boolean(),
    }
)
"""Events before it is known whose they are; ``history`` marks imported ones."""

INBOX = pl.Schema(
    {
        "inbox_id": pl.Int64(),
        "source": pl.String(),
        "received_at": INSTANT,
        "history": pl.Boolean(),
        "body": pl.Binary(),
    }
)
"""Batches that were accepted and wait to be read, in order of ``inbox_id``."""


@dataclass(frozen=True)
class Rejection:
    """One event that cannot be used: where it stands, why not, and what it was."""

    place: str
    reason: str
    body: str


@dataclass(frozen=True)
class Collected:
    """What a call holds: the events to keep as one JSON body, their number, and the others."""

    body: bytes
    count: int
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """A batch for the inbox: from which source, when it came, and what it holds."""

    source: str
    received_at: datetime
    collected: Collected
    history: bool = False


@dataclass(frozen=True)
class Source:
    """Somebody who may send events, known by a write key of which only a digest is kept."""

    source: str
    created_at: datetime
