"""What comes back: sends, bounces, opens, clicks and unsubscriptions, as events like any other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from msgspec import Raw

from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import OWN_SOURCE, Accepted, Collected
from courtesy.stages.messages.fetches import FETCHES, Signal
from courtesy.stages.messages.links import LinkKind
from courtesy.stages.messages.model import ReceiptKind

SOURCE = OWN_SOURCE
SENT = "Email Sent"
OPENED = "Email Opened"
CLICKED = "Email Link Clicked"
BOUNCED = "Email Bounced"
OPENED_BY_MACHINE = "Email Opened by Machine"
CLICKED_BY_MACHINE = "Email Link Clicked by Machine"
UNSUBSCRIBED = "Unsubscribed"
_OF_MESSAGE = ("message_id", "journey", "step", "template")
_CLICKS = (CLICKED, CLICKED_BY_MACHINE)
_PERSONS = {LinkKind.OPEN: OPENED, LinkKind.CLICK: CLICKED}
_MACHINES = {LinkKind.OPEN: OPENED_BY_MACHINE, LinkKind.CLICK: CLICKED_BY_MACHINE}
_ONCE_EACH = {
    **dict.fromkeys((OPENED, OPENED_BY_MACHINE, *_CLICKS), "%Y-%m-%dT%H:%M"),
    UNSUBSCRIBED: "%Y-%m-%dT%H:%M:%S.%f",
}
"""What of the time makes an event another one; somebody may say no again after a new yes."""


def returned(
    event: str, messages: Iterable[Mapping[str, Any]], now: datetime, url: str = ""
) -> Accepted:
    """A batch for the inbox that says what receivers did with messages.

    The same open or click within one minute has the id of the first, so that they count once; each
    unsubscription counts.

    Args:
        event: one of the names above.
        messages: rows with ``message_id``, ``journey``, ``step``, ``template``, ``topic`` and
            ``channel``, and the receiver's ``user_id`` and ``anonymous_id`` (nobody's are left
            out: they were forgotten since).
        now: when it happened.
        url: where a click led.
    """
    return _batch([_event(event, message, now, url) for message in _known(messages)], now)


def fetch_batch(
    kind: LinkKind, message: Mapping[str, Any], now: datetime, signal: Signal | None, url: str = ""
) -> Accepted:
    """As ``returned``, of one message of which somebody or something fetched an address.

    The request's own ``signal`` stands in the context, by which ``fetches_of`` knows it again.
    """
    event = _PERSONS[kind]
    whole: dict[str, Any] = {"context": {"fetch": {"signal": signal or ""}}}
    if signal:
        whole["messageId"] = digest(event, message["message_id"], url, signal, now.isoformat())
    return _batch([_event(event, one, now, url) | whole for one in _known([message])], now)


def fetches_of(events: pl.DataFrame) -> pl.DataFrame:
    """The ``FETCHES`` among ``NORMALISED`` events, each with the ``row`` that it stands in."""
    kinds = {event: kind.value for kind, event in _PERSONS.items()}
    numbered = events.with_row_index("row")
    own = numbered.filter((pl.col("source") == SOURCE) & pl.col("event").is_in(list(kinds)))
    found = own.select(
        "row",
        pl.col("message_id").alias("event_id"),
        pl.col("properties").str.json_path_match("$.message_id").alias("message_id"),
        pl.col("event").replace_strict(kinds, return_dtype=pl.String).alias("kind"),
        pl.col("properties").str.json_path_match("$.url").fill_null("").alias("url"),
        pl.col("context").str.json_path_match("$.fetch.signal").alias("signal"),
        "occurred_at",
    ).filter(pl.col("signal").is_not_null())
    instants = found.select("event_id", "occurred_at").iter_rows()
    ids = [digest(event_id, occurred_at.isoformat()) for event_id, occurred_at in instants]
    named = found.with_columns(pl.Series("fetch_id", ids, pl.String()))
    return named.select("row", *FETCHES.names())


def look(message_id: str, now: datetime, signal: Signal | None) -> pl.DataFrame:
    """A ``FETCHES`` row of a look at the page on which one unsubscribes; it is no event."""
    kind = LinkKind.UNSUBSCRIBE
    fetch_id = digest(kind, message_id, now.isoformat())
    row = (fetch_id, message_id, kind.value, "", signal or "", now)
    return pl.DataFrame([row], schema=FETCHES, orient="row")


def judgement_batch(fetches: Iterable[Mapping[str, Any]], now: datetime) -> Accepted:
    """A batch for the inbox that says who opened messages and followed their links.

    Args:
        fetches: rows as for ``returned``, with ``kind``, ``url``, ``occurred_at`` and ``machine``
            (what shows it, or None for a person).
        now: the present instant.
    """
    events = []
    for fetch in _known(fetches):
        names = _MACHINES if fetch["machine"] else _PERSONS
        if name := names.get(fetch["kind"]):
            event = _event(name, fetch, fetch["occurred_at"], fetch["url"])
            shown = {"signal": fetch["machine"]} if fetch["machine"] else {}
            events.append(event | {"properties": event["properties"] | shown})
    return _batch(events, now)


def settled(
    messages: Iterable[Mapping[str, Any]], now: datetime, costs: Mapping[str, float]
) -> Accepted:
    """A batch for the inbox that says which messages were sent and which bounced.

    Args:
        messages: rows as for ``returned``, with ``receipt`` and ``variant`` (a JSON object, or
            None). Only ``accepted`` and ``bounced`` ones come back.
        now: when the channel answered.
        costs: what one message costs, by channel; nothing where it is not named.
    """
    events = []
    for message in _known(messages):
        if message["receipt"] == ReceiptKind.ACCEPTED:
            events.append(_event(SENT, message, now) | {"properties": _sent(message, costs)})
        if message["receipt"] == ReceiptKind.BOUNCED:
            events.append(_event(BOUNCED, message, now))
    return _batch(events, now)


def _known(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (message for message in messages if message["user_id"] or message["anonymous_id"])


def _batch(events: Sequence[Mapping[str, Any]], now: datetime) -> Accepted:
    body = msgspec.json.encode({"batch": events, "sentAt": None, "context": None})
    return Accepted(SOURCE, now, Collected(body, len(events)))


def _sent(message: Mapping[str, Any], costs: Mapping[str, float]) -> dict[str, Any]:
    found = {name: message[name] for name in (*_OF_MESSAGE, "topic", "channel")}
    found["cost"] = costs.get(message["channel"], 0)
    return found | ({"variant": Raw(message["variant"])} if message["variant"] else {})


def _event(event: str, message: Mapping[str, Any], now: datetime, url: str = "") -> dict[str, Any]:
    moment = _ONCE_EACH.get(event, "")
    properties = {name: message[name] for name in _OF_MESSAGE}
    if event in _CLICKS:
        properties["url"] = url
    if event == UNSUBSCRIBED:
        properties |= {name: message[name] for name in ("topic", "channel", "address_hash")}
    return {
        "type": "track",
        "event": event,
        "userId": message["user_id"],
        "anonymousId": None if message["user_id"] else message["anonymous_id"],
        "messageId": digest(
            event, message["message_id"], url, format(now, moment) if moment else ""
        ),
        "timestamp": now,
        "properties": properties,
    }
