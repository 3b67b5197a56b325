"""What people allow: consent calls in, consent rows out.

A no is never dropped: what cannot be read of a withdrawal is taken for the widest that it can mean,
and it counts from its receipt at the latest. A yes has to be exact.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

import msgspec
import polars as pl

from courtesy.ground.primitives.clock import read_time
from courtesy.stages.events import OWN_SOURCE, Rejection
from courtesy.stages.profiles.model import ANY, CONSENTS

GRANTED = "Consent Granted"
WITHDRAWALS: Mapping[str, str] = {
    "consent withdrawn": ANY,
    "consent revoked": ANY,
    "unsubscribed": ANY,
    "opted out": ANY,
    "email unsubscribed": "email",
    "email marked as spam": "email",
    "sms unsubscribed": "sms",
    "push unsubscribed": "push",
}
"""The events that withdraw, in small letters, and from which channel where they name none."""

_CHANNELS: Mapping[str, str] = {
    "email": "email",
    "mail": "email",
    "newsletter": "email",
    "sms": "sms",
    "text": "sms",
    "textmessage": "sms",
    "push": "push",
    "pushnotification": "push",
    "mobilepush": "push",
    "webpush": "web_push",
    "whatsapp": "whatsapp",
    "inapp": "in_app",
    "inbox": "inbox",
    "phone": "phone",
    "call": "phone",
    "post": "post",
    "letter": "post",
}
_EVERYTHING = frozenset({ANY, "all", "any", "everything"})
# A local time without a zone may have been anywhere between UTC+14 and UTC-12.
_EASTERNMOST, _WESTERNMOST = timedelta(hours=14), timedelta(hours=12)
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_ABSENT = object()


class _Row(NamedTuple):
    """One row of ``CONSENTS``."""

    person_id: str
    topic: str
    channel: str
    occurred_at: datetime
    message_id: str
    granted: bool
    source: str
    dated: bool
    address_hash: str | None


@dataclass(frozen=True)
class Notice:
    """A declaration that could not be read as it stands, and the event that made it."""

    event: Mapping[str, Any]
    rejection: Rejection


@dataclass(frozen=True)
class Declared:
    """The ``CONSENTS`` rows of some events, and what of them could not be read as it stands."""

    consents: pl.DataFrame
    notices: list[Notice]


def topic_key(topic: str) -> str:
    """A topic as it is compared: other letters, widths and spaces are no other topic."""
    return " ".join(unicodedata.normalize("NFKC", topic).casefold().split())


def channel_key(channel: str) -> str:
    """A channel as it is compared; ``E-Mail`` is ``email``."""
    said = unicodedata.normalize("NFKC", channel).casefold().strip()
    return _CHANNELS.get(re.sub(r"[\s_-]+", "", said), said)


def declared_consents(events: pl.DataFrame) -> Declared:
    """Every declaration of consent in the events.

    ``Consent Granted`` names ``topic`` and ``channel``; the events of ``WITHDRAWALS`` withdraw,
    from everything where they name neither; ``context.consents`` lists several, of which only those
    with ``granted: true`` are grants. A grant that does not name both is no consent at all.

    Args:
        events: events with ``person_id``, n rows.
    """
    names = pl.col("event").str.to_lowercase().str.replace_all(r"[\s_]+", " ")
    withdrawn = names.is_in(list(WITHDRAWALS)).fill_null(value=False)
    spoken = events.filter(withdrawn | (pl.col("event") == GRANTED).fill_null(value=False))
    listed = events.filter(pl.col("context").str.contains('"consents"', literal=True))
    reader = _Reader()
    rows = [row for event in spoken.iter_rows(named=True) for row in reader.of_event(event)]
    rows += [row for event in listed.iter_rows(named=True) for row in reader.of_context(event)]
    found = pl.DataFrame(rows, schema=CONSENTS, orient="row")
    # Of two declarations in one call about the same, the withdrawal is kept.
    careful = found.sort("granted", "dated", maintain_order=True)
    key = ["person_id", "topic", "channel", "occurred_at", "message_id"]
    return Declared(careful.unique(key, keep="first", maintain_order=True), reader.notices)


class _Reader:
    """Reads declarations, and notes what it had to read in the widest sense."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def of_event(self, event: Mapping[str, Any]) -> Iterator[_Row]:
        """The rows of an event that grants or withdraws."""
        said = _decode(event["properties"])
        if event["event"] == GRANTED:
            yield from self._grant(event, said, "properties", act=True)
        else:
            name = " ".join(re.split(r"[\s_]+", event["event"].lower()))
            yield from self._withdrawal(event, said, "properties", WITHDRAWALS[name])

    def of_context(self, event: Mapping[str, Any]) -> Iterator[_Row]:
        """The rows of ``context.consents``."""
        consents = _decode(event["context"]).get("consents")
        if consents is not None and not isinstance(consents, list):
            consents = [consents]
        for index, one in enumerate(consents or []):
            place = f"context.consents[{index}]"
            if not isinstance(one, dict):
                self._note(event, place, f"declares nothing that can be read (found {one!r:.60})")
            elif one.get("granted") is True:
                yield from self._grant(event, one, place, act=False)
            else:
                yield from self._withdrawal(event, one, place, ANY)

    def _grant(
        self, event: Mapping[str, Any], said: Mapping[str, Any], place: str, *, act: bool
    ) -> Iterator[_Row]:
        """A grant of one topic on one channel; ``act``: the event itself is the granting."""
        pair = _granted_pair(said)
        if pair is None:
            self._note(event, place, "grants nothing: it should name one topic and one channel")
            return
        earliest, _ = _bounds(said.get("occurred_at"))
        at = min(earliest or event["occurred_at"], event["received_at"])
        dated = act or earliest is not None
        yield _row(event, said, pair, at, dated=dated)

    def _withdrawal(
        self, event: Mapping[str, Any], said: Mapping[str, Any], place: str, channel: str
    ) -> Iterator[_Row]:
        """A withdrawal from each topic on each channel that it names, or from all."""
        topics = self._names(event, said.get("topic", _ABSENT), f"{place}.topic", topic_key, ANY)
        channels = self._names(
            event, said.get("channel", _ABSENT), f"{place}.channel", _known_channel, channel
        )
        _, latest = _bounds(said.get("occurred_at"))
        at = min(latest or event["occurred_at"], event["received_at"])
        for pair in product(topics, channels):
            yield _row(event, said, pair, at)._replace(granted=False)

    def _names(
        self,
        event: Mapping[str, Any],
        said: object,
        place: str,
        key: Callable[[str], str],
        absent: str,
    ) -> list[str]:
        """What a withdrawal names; everything where that cannot be read."""
        if said is _ABSENT:
            return [absent]
        names = said if isinstance(said, list) and said else [said]
        keys = [key(name) if isinstance(name, str) else "" for name in names]
        if "" in keys:
            self._note(event, place, f"cannot be read, so all is withdrawn (found {said!r:.60})")
            return [ANY]
        return [ANY] if _EVERYTHING & {*keys} else list(dict.fromkeys(keys))

    def _note(self, event: Mapping[str, Any], place: str, reason: str) -> None:
        body = event["context"] if place.startswith("context") else event["properties"]
        name = place.rpartition(".")[2]
        self.notices.append(Notice(event, Rejection(place, f"{name} {reason}.", body)))


def _granted_pair(said: Mapping[str, Any]) -> tuple[str, str] | None:
    """The topic and the channel that a grant names; None where it does not name one of each."""
    topic, channel = said.get("topic"), said.get("channel")
    if not isinstance(topic, str) or not isinstance(channel, str):
        return None
    pair = topic_key(topic), channel_key(channel)
    return None if {*pair} & {*_EVERYTHING, ""} else pair


def _known_channel(channel: str) -> str:
    """A channel that there is, or none: the list is closed, so that a misspelt one is noticed."""
    key = channel_key(channel)
    return key if key in {*_CHANNELS.values(), *_EVERYTHING} else ""


def _row(
    event: Mapping[str, Any],
    said: Mapping[str, Any],
    pair: tuple[str, str],
    at: datetime,
    *,
    dated: bool = True,
) -> _Row:
    source, address = said.get("source"), said.get("address_hash")
    return _Row(
        event["person_id"],
        *pair,
        at,
        event["message_id"],
        True,  # noqa: FBT003 - a row of values
        source if isinstance(source, str) else event["source"],
        dated,
        # Only what this server wrote into its own links names an address.
        address if event["source"] == OWN_SOURCE and isinstance(address, str) else None,
    )


def _bounds(text: object) -> tuple[datetime | None, datetime | None]:
    """The earliest and the latest instant that a time can mean; None where it is none."""
    try:
        moment = read_time(text) if isinstance(text, str) else None
        if moment is None:
            return None, None
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), moment.astimezone(UTC)
        local = moment.replace(tzinfo=UTC)
        return local - _EASTERNMOST, local + _WESTERNMOST
    except (ValueError, OverflowError):
        return None, None
