"""One call as clients write it, and what can be wrong with it.

The shape is that of the Segment HTTP Tracking API
(https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/).
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from courtesy.ground.primitives.clock import read_time
from courtesy.stages.events.ids import ID_FIELDS, Id, fault_of_id, is_exact
from courtesy.stages.events.model import DEEPEST, EVENT_BYTES

Object = dict[str, Any]

_EXPECTED = re.compile(r"Expected `(?P<right>[^`]*)`, got `(?P<found>[^`]*)`")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_WORDS = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_IDS = (*ID_FIELDS.values(), "messageId")
REQUIRED = {"track": ("event",), "group": ("groupId",), "alias": ("previousId", "userId")}
_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
ISO = "should be an ISO 8601 time such as 2026-01-31T12:00:00.000Z"


class Call(msgspec.Struct, rename="camel"):
    """A call with everything in it decoded, so that nothing in it can surprise a later reader."""

    type: str | None = None
    event: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    message_id: Id = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    properties: Object | None = None
    traits: Object | None = None
    context: Object | None = None
    name: Any = None
    category: Any = None


@dataclass(frozen=True)
class Fault:
    """What is wrong with a call: the path inside it, and a sentence."""

    place: str
    reason: str


_decode_call = msgspec.json.Decoder(Call).decode
_decode_context = msgspec.json.Decoder(Object | None).decode
_decode_all = msgspec.json.Decoder().decode
DecodedT = TypeVar("DecodedT")


def fault_of(call: bytes, kinds: Collection[str]) -> Fault | None:
    """What is wrong with one call, or None.

    Args:
        call: one JSON object in UTF-8.
        kinds: the types of calls that may come this way.
    """
    decoded = _checked(call, _decode_call)
    return decoded if isinstance(decoded, Fault) else _incomplete(decoded, kinds)


def fault_of_context(context: bytes) -> Fault | None:
    """What is wrong with the context that a whole batch shares, or None."""
    decoded = _checked(context, _decode_context)
    return decoded if isinstance(decoded, Fault) else None


def _checked(text: bytes, decode: Callable[[bytes], DecodedT]) -> DecodedT | Fault:
    if len(text) > EVENT_BYTES:
        return Fault("", f"is of {len(text):,} bytes; it may have {EVENT_BYTES:,}")
    try:
        decoded = decode(text)
    except msgspec.ValidationError as error:
        return explain(error)
    if b"\\" in text and _NUL.search(text):
        return Fault("", r"holds a NUL character (\u0000)")
    if text.count(b"{") + text.count(b"[") > DEEPEST and _depth(text) > DEEPEST:
        return Fault("", f"is nested more than {DEEPEST} levels deep")
    return decoded


def explain(error: msgspec.ValidationError) -> Fault:
    """The complaint of the decoder in plain words."""
    text = str(error)
    found = _PLACE.search(text)
    place = found["place"] if found else ""
    expected = _EXPECTED.search(text)
    if expected and place.rpartition(".")[2] in _TIMES:
        return Fault(place, f"{ISO}; found {_WORDS[expected['found']]}")
    if expected:
        right = " or ".join(dict.fromkeys(_words(expected["right"])))
        return Fault(place, f"should be {right}; found {' or '.join(_words(expected['found']))}")
    if "missing required field" in text:
        name = text.split("`")[1]
        return Fault(f"{place}.{name}" if place else name, "is required")
    return Fault("" if "..." in place else place, "holds a number that is out of range")


def sentence(fault: Fault) -> str:
    """The fault as a sentence that begins with the name of the field."""
    return f"{fault.place.rpartition('.')[2] or 'It'} {fault.reason}."


def _words(types: str) -> Iterator[str]:
    return (_WORDS.get(name, name) for name in types.split(" | "))


def _incomplete(call: Call, kinds: Collection[str]) -> Fault | None:
    if call.type is None or call.type not in kinds:
        found = "nothing" if call.type is None else repr(call.type[:40])
        return Fault("type", f"should be one of {', '.join(kinds)}; found {found}")
    for field in REQUIRED.get(call.type, ()):
        given = getattr(call, _SNAKE[field])
        if given is None or given == "":
            return Fault(field, f"is required for {call.type}")
        why = None if field == "event" else fault_of_id(given)
        if why:
            return Fault(field, why)
    return _inexact(call) or _nobody(call) or _untimely(call)


def _untimely(call: Call) -> Fault | None:
    return fault_of_time("timestamp", call.timestamp) or fault_of_time(
        "originalTimestamp", call.original_timestamp
    )


def fault_of_time(place: str, text: str | None) -> Fault | None:
    """Why what stands at a place is no time; None where it is one, or where nothing stands."""
    if text is None:
        return None
    try:
        read_time(text)  # a time outside the calendar of UTC is one, if nobody's true one
    except ValueError:
        return Fault(place, ISO)
    return None


def _inexact(call: Call) -> Fault | None:
    """The fault of an id that had lost digits before it came; it may be somebody else's."""
    ids = (call.user_id, call.anonymous_id, call.previous_id, call.group_id, call.message_id)
    for name, given in zip(_IDS, ids, strict=True):
        if isinstance(given, float) and not is_exact(given):
            return Fault(name, "is a number too large to be exact; send it as text")
    return None


def _nobody(call: Call) -> Fault | None:
    """The fault of a call of which neither id can be one; a good one is enough."""
    if call.user_id and fault_of_id(call.user_id) is None:
        return None  # nearly every call, at little cost
    given = {"userId": call.user_id, "anonymousId": call.anonymous_id}
    said = {name: found for name, found in given.items() if found not in {None, ""}}
    faults = {name: why for name, found in said.items() if (why := fault_of_id(found))}
    if not said:
        return Fault("userId", "or anonymousId is required")
    return Fault(*next(iter(faults.items()))) if len(faults) == len(said) else None


_SNAKE = dict(zip(Call.__struct_encode_fields__, Call.__struct_fields__, strict=True))


def _depth(text: bytes) -> int:
    depth, level = 0, [_decode_all(text)]
    while level:
        depth += 1
        level = [inner for outer in level for inner in _containers(outer)]
    return depth


def _containers(outer: Object | list[Any]) -> Iterator[Object | list[Any]]:
    inside = outer.values() if isinstance(outer, dict) else outer
    return (inner for inner in inside if isinstance(inner, (dict, list)))
