"""What people allow: consent calls in, consent rows out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from courtesy.ground.primitives.clock import parse_instant
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.profiles.model import ANY, CONSENTS

GRANTED = "Consent Granted"
WITHDRAWN = "Consent Withdrawn"
UNSUBSCRIBED = "Unsubscribed"

_Row = tuple[str, str, str, datetime, str, bool, str]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def consents_of(events: pl.DataFrame) -> pl.DataFrame:
    """Every declaration of consent in the events.

    ``Consent Granted`` and ``Consent Withdrawn`` name ``topic`` and ``channel``; ``Unsubscribed``
    withdraws, from everything where it names neither; ``context.consents`` lists several. A grant
    that does not name both is no consent at all.

    Args:
        events: events with ``person_id``, n rows.

    Returns:
        ``CONSENTS`` rows.
    """
    spoken = events.filter(
        pl.col("event").is_in([GRANTED, WITHDRAWN, UNSUBSCRIBED]).fill_null(value=False)
    )
    listed = events.filter(pl.col("context").str.contains('"consents"', literal=True))
    rows = [row for event in spoken.iter_rows(named=True) for row in _spoken(event)]
    rows += [row for event in listed.iter_rows(named=True) for row in _listed(event)]
    found = pl.DataFrame(rows, schema=CONSENTS, orient="row")
    return found.unique(["person_id", "topic", "channel", "occurred_at", "message_id"])


def _spoken(event: dict[str, Any]) -> Iterator[_Row]:
    properties = _decode(event["properties"])
    row = _row(event, properties, granted=event["event"] == GRANTED)
    if row:
        yield row


def _listed(event: dict[str, Any]) -> Iterator[_Row]:
    consents = _decode(event["context"]).get("consents")
    for one in consents if isinstance(consents, list) else []:
        row = (
            _row(event, one, granted=one.get("granted") is True) if isinstance(one, dict) else None
        )
        if row:
            yield row


def _row(event: dict[str, Any], said: dict[str, Any], *, granted: bool) -> _Row | None:
    default = None if granted else ANY
    topic, channel = said.get("topic", default), said.get("channel", default)
    if not isinstance(topic, str) or not isinstance(channel, str):
        return None
    if granted and ANY in {topic, channel}:
        return None
    source = said.get("source")
    shown = source if isinstance(source, str) else event["source"]
    at = _instant(said.get("occurred_at"), event["occurred_at"])
    return event["person_id"], topic, channel, at, event["message_id"], granted, shown


def _instant(text: object, otherwise: datetime) -> datetime:
    try:
        return parse_instant(text) if isinstance(text, str) else otherwise
    except InputError:
        return otherwise
