"""From rows of a file to calls, as a mapping has it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events.calls import Fault, fault_of, sentence
from courtesy.stages.events.consents import fault_of_consents
from courtesy.stages.events.mapping import (
    AnyMapping,
    Condition,
    Consent,
    EventMapping,
    PersonMapping,
    Value,
    named_values,
    needs,
)
from courtesy.stages.events.marks import MarkedNumbers
from courtesy.stages.events.model import PERSON, Rejection
from courtesy.stages.events.row import Row
from courtesy.stages.events.values import (
    Fields,
    guess,
    id_of,
    likely,
    moment_of,
    origin,
    plain_of,
    text_of,
    unlikely,
)

_WHEN = "occurred_at"
_CONTEXT, _CONSENTS = "context", "consents"
_KINDS = ("track", PERSON)
_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class Mapper:
    """Turns rows into ``track`` or ``person`` calls.

    Args:
        mapping: what the columns mean.
        now: the present; a row may lie at most a day after it.
    """

    def __init__(self, mapping: AnyMapping, now: datetime) -> None:
        self._mapping = mapping
        self.form = mapping.form
        self._marks = MarkedNumbers()
        self._now = now
        self._nulls = frozenset(mapping.null_values)
        self._named = named_values(mapping)
        columns = {column for need in needs(mapping) for column in need.columns}
        self._taken = columns | {column.partition(".")[0] for column in columns}
        self._mapped = columns

    def notices(self) -> list[str]:
        """What of the rows so far somebody may want to have read otherwise."""
        return self._marks.notices()

    def call_of(self, row: Row) -> bytes | Rejection:
        """The JSON of the row's call, or why there is none."""
        if row.fault:
            return unread(row)
        try:
            call = _encode(self._call(row))
        except InputError as error:
            return rejected(row, Fault(error.place, error.detail))
        fault = fault_of(call, _KINDS)
        if not fault and isinstance(self._mapping, PersonMapping):
            fault = fault_of_consents(call, self._now)
        return rejected(row, fault) if fault else call

    def _call(self, row: Row) -> dict[str, Any]:
        mapping, fields = self._mapping, self._present(row.fields)
        call: dict[str, Any] = {
            "userId": id_of(fields, mapping.person.user_id),
            "anonymousId": id_of(fields, mapping.person.anonymous_id),
            "messageId": id_of(fields, mapping.message_id) or _content_id(mapping, row.fields),
            "timestamp": self._when(fields, mapping.occurred_at),
        }
        context = self._context_of(fields)
        if context is not None:
            call[_CONTEXT] = context
        if isinstance(mapping, EventMapping):
            call |= self._event(mapping, fields, typed=row.typed)
        else:
            call |= self._person(mapping, fields, typed=row.typed)
        if not row.typed:
            self._marks.count(call.get("properties") or call.get("traits") or {})
        return call

    def _event(self, mapping: EventMapping, fields: Fields, *, typed: bool) -> dict[str, Any]:
        if origin(fields, mapping.occurred_at) is None:
            raise InputError("is empty", place=_WHEN)
        properties = self._described(fields, "properties", typed=typed)
        return {"type": "track", "event": text_of(fields, mapping.event), "properties": properties}

    def _person(self, mapping: PersonMapping, fields: Fields, *, typed: bool) -> dict[str, Any]:
        mapped = [
            self._consent(consent, fields)
            for consent in mapping.consents
            if consent.when is None or _holds(consent.when, fields, typed=typed)
        ]
        context = self._context_of(fields) or {}
        told = context.get(_CONSENTS) or []
        consents = [*told, *mapped] if isinstance(told, list) else told
        traits = self._described(fields, "traits", typed=typed)
        return {"type": PERSON, "traits": traits, _CONTEXT: {**context, _CONSENTS: consents}}

    def _context_of(self, fields: Fields) -> Mapping[str, Any] | None:
        """What the API calls the context, unless the mapping has another use for that column."""
        found = None if _CONTEXT in self._mapped else fields.get(_CONTEXT)
        if isinstance(found, str):
            return _object(found) if found.lstrip().startswith("{") else None
        if found is None or isinstance(found, Mapping):
            return found
        raise InputError(f"should be an object; found {found!r:.60}", place=_CONTEXT)

    def _consent(self, consent: Consent, fields: Fields) -> dict[str, Any]:
        return {
            "topic": consent.topic,
            "channel": consent.channel,
            "granted": consent.granted,
            "source": consent.source,
            "occurred_at": self._when(fields, consent.occurred_at),
        }

    def _described(self, fields: Fields, whole: str, *, typed: bool) -> dict[str, Any]:
        """The properties or traits; an object in a column of that very name is opened up."""
        if self._named is not None:
            return _known(
                {
                    name: plain_of(fields, value, f"{whole}.{name}", typed=typed)
                    for name, value in self._named.items()
                }
            )
        rest = {name: found for name, found in fields.items() if name not in self._taken}
        if self._context_of(fields) is not None:
            rest.pop(_CONTEXT, None)
        opened = rest.pop(whole, None)
        if isinstance(opened, Mapping):
            rest |= opened
        return _known(rest if typed else {name: guess(found) for name, found in rest.items()})

    def _present(self, fields: Fields) -> Fields:
        return {
            name: found
            for name, found in fields.items()
            if not (isinstance(found, str) and found in self._nulls)
        }

    def _when(self, fields: Fields, value: Value | None) -> datetime | None:
        moment = None if value is None else moment_of(fields, value, _WHEN)
        if moment and not likely(moment, self._now):
            raise InputError(unlikely(moment.isoformat(timespec="seconds")), place=_WHEN)
        return moment


def _holds(condition: Condition, fields: Fields, *, typed: bool) -> bool:
    found = plain_of(fields, condition.column, "consents", typed=typed)
    if "is_" in condition.model_fields_set:
        return bool(found == condition.is_)
    return bool(found != condition.is_not)


def _known(described: Fields) -> dict[str, Any]:
    return {name: found for name, found in described.items() if found is not None}


def _content_id(mapping: AnyMapping, fields: Fields) -> str:
    return digest(type(mapping).__name__, _encode(fields).decode())


def _object(text: str) -> dict[str, Any]:
    try:
        return _decode_object(text)
    except msgspec.DecodeError:
        raise InputError(f"is not a JSON object; found {text!r:.60}", place=_CONTEXT) from None


def unread(row: Row) -> Rejection:
    """Why a row could not even be read."""
    return Rejection("", row.fault, json.dumps(row.begins))


def rejected(row: Row, fault: Fault) -> Rejection:
    """Why a row cannot be used, with the row."""
    return Rejection(fault.place, sentence(fault), _encode(row.fields).decode())
