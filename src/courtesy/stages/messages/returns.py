"""What comes back: sends, bounces, opens, clicks and unsubscriptions, as events like any other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import Accepted, Collected
from courtesy.stages.messages.model import ReceiptKind

SOURCE = "courtesy"
SENT = "Email Sent"
OPENED = "Email Opened"
CLICKED = "Email Link Clicked"
BOUNCED = "Email Bounced"
UNSUBSCRIBED = "Unsubscribed"
_OF_MESSAGE = ("message_id", "journey", "step", "template")
_EACH_MINUTE = (OPENED, CLICKED)


def returned(
    event: str, messages: Iterable[Mapping[str, Any]], now: datetime, url: str = ""
) -> Accepted:
    """A batch for the inbox that says what receivers did with messages.

    The same open or click within one minute, and a second unsubscription, have the id of the
    first, so that they count once.

    Args:
        event: one of the names above.
        messages: rows with ``message_id``, ``journey``, ``step``, ``template``, ``topic`` and
            ``channel``, and the receiver's ``user_id`` and ``anonymous_id`` (nobody's are left
            out: they were forgotten since).
        now: when it happened.
        url: where a click led.
    """
    return _batch([_event(event, message, now, url) for message in _known(messages)], now)


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
    minute = f"{now:%Y-%m-%dT%H:%M}" if event in _EACH_MINUTE else ""
    properties = {name: message[name] for name in _OF_MESSAGE}
    if event == CLICKED:
        properties["url"] = url
    if event == UNSUBSCRIBED:
        properties |= {"topic": message["topic"], "channel": message["channel"]}
    return {
        "type": "track",
        "event": event,
        "userId": message["user_id"],
        "anonymousId": None if message["user_id"] else message["anonymous_id"],
        "messageId": digest(event, message["message_id"], url, minute),
        "timestamp": now,
        "properties": properties,
    }
