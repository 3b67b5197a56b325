"""Calls in a file, as clients made them: each row says its own type, person and time.

Segment's storage destinations keep such archives, one call a line
(https://segment.com/docs/connections/storage/catalog/amazon-s3/#data-format); there ``timestamp``
has been corrected already, and the server has added ``receivedAt`` and names of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from courtesy.ground.primitives.clock import parse_instant
from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events.calls import ISO, Call, Fault, fault_of
from courtesy.stages.events.consents import fault_of_consents
from courtesy.stages.events.encoding import Form
from courtesy.stages.events.model import CALLS, PERSON, Rejection
from courtesy.stages.events.row import Row
from courtesy.stages.events.rows import rejected, unread
from courtesy.stages.events.values import Fields, likely, unlikely

_WHEN, _ID, _TELLING = "timestamp", "messageId", "identify"
_KEPT = frozenset(Call.__struct_encode_fields__) - {"originalTimestamp"}
_encode = msgspec.json.Encoder(decimal_format="number").encode
_INSIDE = ("context", "properties", "traits")


@dataclass(frozen=True)
class _Times:
    timestamp: datetime | None
    original_timestamp: datetime | None
    sent_at: datetime | None
    received_at: datetime | None

    @classmethod
    def of(cls, fields: Fields) -> "_Times":
        """The times that a call tells.

        Raises:
            InputError: one of them is no time.
        """
        names = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
        return cls(*(_instant(fields.get(name), name) for name in names))


def holds_calls(rows: Iterable[Row]) -> bool:
    """Whether most of these rows are calls: they say so, and have the objects that calls have."""
    read = [row for row in rows if not row.fault]
    return 2 * sum(map(_is_call, read)) > len(read)


def _is_call(row: Row) -> bool:
    inside = any(isinstance(row.fields.get(name), Mapping) for name in _INSIDE)
    return inside and row.fields.get("type") in CALLS


class Archive:
    """Turns rows that are calls into events, like the collecting API.

    A call happened at its ``timestamp``; where that cannot be, when it was received.

    Args:
        now: the present; a call may lie at most a day after it.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.form = Form()

    def notices(self) -> list[str]:
        """Nothing: what calls hold has its types."""
        return []

    def call_of(self, row: Row) -> bytes | Rejection:
        """The JSON of the row's call, or why it cannot be used."""
        if row.fault:
            return unread(row)
        try:
            call = _encode(self._call(row.fields))
        except InputError as error:
            return rejected(row, Fault(error.place, error.detail))
        fault = self._fault_of(call)
        return rejected(row, fault) if fault else call

    def _call(self, fields: Fields) -> dict[str, Any]:
        happened = self._happened(fields)
        if happened is None:
            raise InputError("is required for a call in a file", place=_WHEN)
        return _kept(fields) | {_WHEN: happened}

    def _fault_of(self, call: bytes) -> Fault | None:
        return fault_of(call, CALLS)

    def _happened(self, fields: Fields) -> datetime | None:
        times = _Times.of(fields)
        said, received = _said(times), times.received_at
        if said and likely(said, min(received or self._now, self._now)):
            return said
        if received and likely(received, self._now):
            return received
        if said:
            raise InputError(unlikely(said.isoformat(timespec="seconds")), place=_WHEN)
        return None


class PeopleArchive(Archive):
    """Turns ``identify`` calls into people: what somebody is, and not the event that it was said.

    Such a row may be without a time; it holds from the import on.
    """

    def _call(self, fields: Fields) -> dict[str, Any]:
        if fields.get("type") != _TELLING:
            detail = f"should be {_TELLING}; found {fields.get('type')!r:.40}"
            raise InputError(f"{detail} (courtesy import events takes every call)", place="type")
        call = _kept(fields) | {"type": PERSON, _WHEN: self._happened(fields)}
        if fields.get(_ID):
            call[_ID] = digest(PERSON, str(fields[_ID]))
        return call

    def _fault_of(self, call: bytes) -> Fault | None:
        return fault_of(call, [PERSON]) or fault_of_consents(call, self._now)


def _kept(fields: Fields) -> dict[str, Any]:
    return {name: found for name, found in fields.items() if name in _KEPT}


def _said(times: _Times) -> datetime | None:
    """When it happened by the client's clock, corrected as far as the row tells how."""
    if times.timestamp or not times.original_timestamp:
        return times.timestamp
    original, sent, received = times.original_timestamp, times.sent_at, times.received_at
    return received - (sent - original) if original and sent and received else original


def _instant(given: object, name: str) -> datetime | None:
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    try:
        return parse_instant(given if isinstance(given, str) else "")
    except InputError:
        raise InputError(f"{ISO}; found {given!r:.60}", place=name) from None
