"""From rows of a file to calls, as a mapping has it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events.calls import Fault, fault_of, sentence
from courtesy.stages.events.files import Row
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
from courtesy.stages.events.model import PERSON, Rejection
from courtesy.stages.events.values import Fields, guess, moment_of, origin, plain_of, text_of

_WHEN = "occurred_at"
_KINDS = ("track", PERSON)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_FUTURE = timedelta(days=1)
_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


class Mapper:
    """Turns rows into ``track`` or ``person`` calls.

    Args:
        mapping: what the columns mean.
        now: the present; a row may lie at most a day after it.
    """

    def __init__(self, mapping: AnyMapping, now: datetime) -> None:
        self._mapping = mapping
        self._now = now
        self._nulls = frozenset(mapping.null_values)
        self._named = named_values(mapping)
        columns = {column for need in needs(mapping) for column in need.columns}
        self._taken = columns | {column.partition(".")[0] for column in columns}

    def call_of(self, row: Row) -> bytes | Rejection:
        """The JSON of the row's call, or why there is none."""
        if row.fault:
            return Rejection("", row.fault, json.dumps(row.begins))
        try:
            call = _encode(self._call(row))
        except InputError as error:
            return _rejected(row, Fault(error.place, error.detail))
        fault = fault_of(call, _KINDS)
        return _rejected(row, fault) if fault else call

    def _call(self, row: Row) -> dict[str, Any]:
        mapping, fields = self._mapping, self._present(row.fields)
        call = {
            "userId": text_of(fields, mapping.person.user_id),
            "anonymousId": text_of(fields, mapping.person.anonymous_id),
            "messageId": text_of(fields, mapping.message_id) or _content_id(mapping, row.fields),
            "timestamp": self._when(fields, mapping.occurred_at),
        }
        if isinstance(mapping, EventMapping):
            return call | self._event(mapping, fields, typed=row.typed)
        return call | self._person(mapping, fields, typed=row.typed)

    def _event(self, mapping: EventMapping, fields: Fields, *, typed: bool) -> dict[str, Any]:
        if origin(fields, mapping.occurred_at) is None:
            raise InputError("is empty", place=_WHEN)
        properties = self._described(fields, "properties", typed=typed)
        return {"type": "track", "event": text_of(fields, mapping.event), "properties": properties}

    def _person(self, mapping: PersonMapping, fields: Fields, *, typed: bool) -> dict[str, Any]:
        consents = [
            self._consent(consent, fields)
            for consent in mapping.consents
            if consent.when is None or _holds(consent.when, fields, typed=typed)
        ]
        traits = self._described(fields, "traits", typed=typed)
        return {"type": PERSON, "traits": traits, "context": {"consents": consents}}

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
        if moment and not _EARLIEST <= moment <= self._now + _FUTURE:
            found = moment.isoformat(timespec="seconds")
            raise InputError(f"lies in the future or before 1970; found {found}", place=_WHEN)
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


def _rejected(row: Row, fault: Fault) -> Rejection:
    return Rejection(fault.place, sentence(fault), _encode(row.fields).decode())
