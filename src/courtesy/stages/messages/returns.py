"""What comes back: opens, clicks, bounces and unsubscriptions, as events like any other."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import Accepted, Collected
from courtesy.stages.events.collect import batch_text

SOURCE = "courtesy"
OPENED = "Email Opened"
CLICKED = "Email Link Clicked"
BOUNCED = "Email Bounced"
UNSUBSCRIBED = "Unsubscribed"
_OF_MESSAGE = ("message_id", "journey", "step", "template")
_EACH_MINUTE = (OPENED, CLICKED)


def returned(
    event: str, messages: Iterable[Mapping[str, Any]], now: datetime, url: str = ""
) -> Accepted:
    """A batch for the inbox that says what became of messages.

    The same open or click within one minute, and a second bounce or unsubscription, have the id of
    the first, so that they count once.

    Args:
        event: one of the names above.
        messages: rows with ``message_id``, ``journey``, ``step``, ``template``, ``topic`` and
            ``channel``, and the receiver's ``user_id`` and ``anonymous_id`` (nobody's are left
            out: they were forgotten since).
        now: when it happened.
        url: where a click led.
    """
    known = [message for message in messages if message["user_id"] or message["anonymous_id"]]
    events = [msgspec.json.encode(_event(event, message, now, url)) for message in known]
    return Accepted(SOURCE, now, Collected(batch_text(events), len(events)))


def _event(event: str, message: Mapping[str, Any], now: datetime, url: str) -> dict[str, Any]:
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
