"""The consents that a row of people declares, looked at before anybody relies on them.

A row that withdraws anything is never refused for its consents: whoever reads them takes a
withdrawal for the widest that it can mean, and what is no grant grants nothing.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from courtesy.ground.primitives.clock import parse_instant
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.events.calls import Fault, explain
from courtesy.stages.events.values import likely, unlikely

_EVERYTHING = "*"


class _Consent(msgspec.Struct):
    granted: bool
    topic: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    source: str | None = None
    occurred_at: str | None = None


class _Context(msgspec.Struct):
    consents: list[_Consent] | None = None


class _Call(msgspec.Struct):
    context: _Context | None = None


_YES = frozenset({"true", "yes", "y", "on", "1"})
_decode = msgspec.json.Decoder(_Call).decode
_decode_all = msgspec.json.Decoder(dict[str, Any]).decode


def fault_of_consents(call: bytes, now: datetime) -> Fault | None:
    """What is wrong with ``context.consents`` of a call, or None.

    Each entry has ``granted``, and ``topic`` and ``channel``, of which a withdrawal may leave out
    either to mean all; ``source`` and ``occurred_at`` are optional.

    Args:
        call: one JSON object in UTF-8.
        now: the present; a consent may lie at most a day after it.
    """
    fault = _first_fault(call, now)
    return None if fault and _withdraws(call) else fault


def _withdraws(call: bytes) -> bool:
    """Whether an entry may be a no: it is not granted, and does not look like a misspelt yes."""
    context = _decode_all(call).get("context")
    consents = context.get("consents") if isinstance(context, dict) else None
    granted = [
        one["granted"]
        for one in (consents if isinstance(consents, list) else [consents])
        if isinstance(one, dict) and "granted" in one
    ]
    return any(said is not True and str(said).strip().lower() not in _YES for said in granted)


def _first_fault(call: bytes, now: datetime) -> Fault | None:
    try:
        context = _decode(call).context
    except msgspec.ValidationError as error:
        return explain(error)
    for index, consent in enumerate((context and context.consents) or ()):
        fault = _fault_of(consent, now)
        if fault:
            return Fault(f"context.consents[{index}].{fault.place}", fault.reason)
    return None


def _fault_of(consent: _Consent, now: datetime) -> Fault | None:
    for name, found in (("topic", consent.topic), ("channel", consent.channel)):
        if consent.granted and found is UNSET:
            return Fault(name, "is required where granted is true")
        if found == "" or (consent.granted and found == _EVERYTHING):
            return Fault(name, f"should name one {name}; found {found!r}")
    return None if consent.occurred_at is None else _fault_of_time(consent.occurred_at, now)


def _fault_of_time(text: str, now: datetime) -> Fault | None:
    try:
        moment = parse_instant(text)
    except InputError:
        return Fault("occurred_at", f"should be an ISO 8601 time; found {text[:60]!r}")
    if likely(moment, now):
        return None
    return Fault("occurred_at", unlikely(f"{text[:60]!r}"))
