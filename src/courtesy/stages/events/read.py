"""From accepted batches to a frame of events, each with the time at which it happened.

A client's clock may be wrong, so an event's time is corrected by the time at which the client says
it sent the batch: ``receivedAt - (sentAt - timestamp)``, as the Segment specification has it
(https://segment.com/docs/connections/spec/common/#timestamps). A result that lies more than a day
after the receipt, or before 1970, is nobody's true time: such an event happened when it came.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec
import polars as pl
from msgspec import Raw

from courtesy.ground.primitives.clock import parse_instant
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.events.ids import Id, id_text
from courtesy.stages.events.model import INSTANT, MESSAGE_ID_CHARACTERS, NORMALISED, PERSON

_ABSENT = Raw(b"null")
_FUTURE = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VIEWED = {"page": "Page Viewed", "screen": "Screen Viewed"}
_DESCRIBED = ("identify", "group", PERSON)


class _Event(msgspec.Struct, rename="camel", gc=False):
    type: str
    event: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    message_id: Id = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    properties: Raw = _ABSENT
    traits: Raw = _ABSENT
    context: Raw = _ABSENT
    name: Raw = _ABSENT
    category: Raw = _ABSENT


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[Raw]
    sent_at: datetime | None = None
    context: Raw = _ABSENT


class _Context(msgspec.Struct):
    traits: Raw = _ABSENT


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_context = msgspec.json.Decoder(_Context).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def read(inbox: pl.DataFrame) -> pl.DataFrame:
    """The events of accepted batches, in order, with every column of ``NORMALISED``.

    Args:
        inbox: rows of ``INBOX``; their bodies are what ``collect`` kept.
    """
    batches = [_decode_batch(body) for body in inbox["body"]]
    raws = [raw for batch in batches for raw in batch.batch]
    events = [_decode_event(raw) for raw in raws]
    shared = [batch for batch in batches for _ in batch.batch]
    contexts = [_context(event, batch) for event, batch in zip(events, shared, strict=True)]
    columns: dict[str, Sequence[object]] = {
        "message_id": list(map(_message_id, events, raws, shared)),
        "type": [event.type for event in events],
        "event": [_name(event) for event in events],
        "user_id": [id_text(event.user_id) for event in events],
        "anonymous_id": [id_text(event.anonymous_id) for event in events],
        "previous_id": [id_text(e.previous_id) if e.type == "alias" else None for e in events],
        "group_id": [id_text(e.group_id) if e.type == "group" else None for e in events],
        "said_at": [event.timestamp or event.original_timestamp for event in events],
        "properties": [_text(_properties(event)) or "{}" for event in events],
        "context": [_text(context) or "{}" for context in contexts],
        "traits": [_text(_traits(*pair)) for pair in zip(events, contexts, strict=True)],
    }
    said = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String()))
    return _timed(pl.concat([said, _received(inbox, batches)], how="horizontal"))


def _received(inbox: pl.DataFrame, batches: Sequence[_Batch]) -> pl.DataFrame:
    sent = pl.Series("sent_at", [_utc(batch.sent_at) for batch in batches], INSTANT)
    sizes = pl.Series("size", [len(batch.batch) for batch in batches], pl.UInt32())
    each = inbox.select("source", "received_at", "history").with_columns(sent, sizes)
    return each.select(pl.all().exclude("size").repeat_by("size").explode(empty_as_null=False))


def _timed(events: pl.DataFrame) -> pl.DataFrame:
    received = pl.col("received_at")
    said = pl.lit(_instants(events["said_at"]))
    corrected = received - (pl.col("sent_at") - said)
    happened = pl.coalesce(corrected, said, received)
    plausible = happened.is_between(_EPOCH, received + _FUTURE)
    occurred = pl.when(plausible).then(happened).otherwise(received).alias("occurred_at")
    return events.with_columns(occurred).select(NORMALISED.names())


def _within_calendar(text: str) -> datetime | None:
    """The instant of a text that was found to be a time; None where UTC has no such year."""
    try:
        return parse_instant(text)
    except InputError:
        return None


def _instants(texts: pl.Series) -> pl.Series:
    parsed = texts.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    odd = texts.filter(parsed.is_null() & texts.is_not_null()).unique()
    if odd.is_empty():
        return parsed
    known = [_within_calendar(text) for text in odd]
    return parsed.fill_null(texts.replace_strict(odd, known, default=None, return_dtype=INSTANT))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _name(event: _Event) -> str | None:
    return event.event if event.type == "track" else _VIEWED.get(event.type)


def _message_id(event: _Event, raw: Raw, batch: _Batch) -> str:
    """The client's id; else one of the content, so that a client's second try adds nothing."""
    said = event.message_id
    given = said if isinstance(said, str) else id_text(said)
    if given and len(given) <= MESSAGE_ID_CHARACTERS:
        return given
    if given:
        return blake2b(given.encode(), digest_size=16).hexdigest()
    timeless = not (event.timestamp or event.original_timestamp)
    sent = str(batch.sent_at) if timeless and batch.sent_at else ""
    return blake2b(bytes(raw) + sent.encode(), digest_size=16).hexdigest()


def _properties(event: _Event) -> Raw:
    if event.type in _DESCRIBED:
        return event.traits
    if event.type not in _VIEWED:
        return event.properties
    named = {"name": event.name, "category": event.category}
    return _merged(event.properties, {k: v for k, v in named.items() if v != _ABSENT})


def _context(event: _Event, batch: _Batch) -> Raw:
    if event.context == _ABSENT:
        return batch.context
    if batch.context == _ABSENT:
        return event.context
    return _merged(batch.context, _decode_fields(event.context))


def _traits(event: _Event, context: Raw) -> Raw:
    within = _traits_within(context)
    if event.type == "group" or event.traits == _ABSENT:
        return within
    return event.traits if within == _ABSENT else _merged(within, _decode_fields(event.traits))


def _traits_within(context: Raw) -> Raw:
    if b'"traits"' not in bytes(context):
        return _ABSENT
    traits = _decode_context(context).traits
    return traits if bytes(traits).startswith(b"{") else _ABSENT


def _merged(outer: Raw, inner: dict[str, Raw]) -> Raw:
    if not inner:
        return outer
    fields = _decode_fields(outer) if outer != _ABSENT else {}
    return Raw(msgspec.json.encode({**fields, **inner}))


def _text(value: Raw) -> str | None:
    return None if value == _ABSENT else str(value, "utf-8")
