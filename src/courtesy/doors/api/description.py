"""What OpenAPI says about the collection routes."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from courtesy.doors.api.events import CALLS
from courtesy.stages.events.calls import REQUIRED
from courtesy.stages.events.ids import EXACT, NO_ID
from courtesy.stages.events.model import BATCH_EVENTS
from courtesy.stages.events.model import CALLS as KINDS

Described = dict[str, Any]

_IDS = ("userId", "anonymousId", "previousId", "groupId", "messageId")
_SUMMARIES = {
    "identify": "Who somebody is: their traits",
    "track": "What somebody did",
    "page": "Which page somebody viewed",
    "screen": "Which screen of an app somebody viewed",
    "group": "Which group somebody belongs to",
    "alias": "Two ids that are one person",
    "batch": "Up to 2,500 calls of any kind",
}
_NO_NUL = "^[^\\u0000]*$"
_TEXT: Described = {"type": "string", "pattern": _NO_NUL}
_TIME: Described = {"type": "string", "format": "date-time"}


def _reference(name: str) -> Described:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Described) -> Described:
    return {"anyOf": [schema, {"type": "null"}]}


_OBJECT: Described = {
    "type": "object",
    "propertyNames": {"pattern": _NO_NUL},
    "additionalProperties": _reference("Value"),
}
_VALUE: Described = {
    "description": "Any JSON whose text holds no NUL character.",
    "anyOf": [
        _reference("Text"),
        {"type": ["number", "boolean", "null"]},
        {"type": "array", "items": _reference("Value")},
        _reference("Object"),
    ],
}
_NUMBERS: list[Described] = [
    {"type": "integer"},
    {"type": "number", "exclusiveMinimum": -EXACT, "exclusiveMaximum": EXACT},
]
_ANY_ID: Described = {"anyOf": [{**_TEXT, "minLength": 1}, *_NUMBERS]}
_NOBODY: Described = {"anyOf": [{"type": "string", "pattern": NO_ID}, {"const": 0}]}
_ID: Described = {
    "description": "Who is meant; words such as undefined, and zeros, are nobody.",
    **_ANY_ID,
    "not": _NOBODY,
}
_NO_ID: Described = {"enum": ["", None]}
_NEEDED: Mapping[str, Described] = {
    "event": {**_TEXT, "minLength": 1},
    **dict.fromkeys(("groupId", "previousId", "userId"), _reference("Id")),
}
_CALL: Described = {
    **_OBJECT,
    "properties": {
        **{name: {"anyOf": [_ANY_ID, _NO_ID]} for name in _IDS},
        **dict.fromkeys(("timestamp", "originalTimestamp", "sentAt"), _nullable(_TIME)),
        **dict.fromkeys(("properties", "traits", "context"), _nullable(_reference("Object"))),
        "event": _nullable(_TEXT),
    },
}
_REJECTED: Described = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "reason": {"type": "string"}},
    "required": ["place", "reason"],
}
_ACCEPTED: Described = {
    "type": "object",
    "properties": {
        "success": {"const": True},
        "rejected": {"type": "array", "items": _REJECTED},
    },
    "required": ["success"],
}
_REFUSED: Described = {
    "type": "object",
    "properties": {
        "success": {"const": False},
        **{name: {"type": "string"} for name in ("error", "message", "place")},
    },
    "required": ["success", "error", "message", "place"],
}
_ANSWERS = {
    "200": ("Durable; what could not be used is named in `rejected`.", "Accepted"),
    "400": ("Not understood; sending it again will not help.", "Refused"),
    "401": ("The write key is not known.", "Refused"),
    "429": ("Too much at once; send it again after `Retry-After`.", "Refused"),
    "503": ("It could not be written; send it again after `Retry-After`.", "Refused"),
}


@cache
def collection_schemas() -> tuple[Described, Described]:
    """The OpenAPI ``paths`` and ``components`` of the calls."""
    schemas = {"Text": _TEXT, "Value": _VALUE, "Object": _OBJECT, "Id": _ID, "Call": _CALL}
    schemas |= {"Accepted": _ACCEPTED, "Refused": _REFUSED}
    components = {
        "schemas": schemas,
        "securitySchemes": {"writeKey": {"type": "http", "scheme": "basic"}},
    }
    return {f"/v1/{call}": {"post": _operation(call)} for call in CALLS}, components


def _operation(call: str) -> Described:
    body = _batch() if call == "batch" else _one(call)
    return {
        "operationId": call,
        "summary": _SUMMARIES[call],
        "tags": ["collect"],
        "security": [{"writeKey": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {status: _answer(*answer) for status, answer in _ANSWERS.items()},
    }


def _one(call: str) -> Described:
    """A call that says enough: whose it is, and what calls of its kind must say."""
    people = [_said("userId", _reference("Id")), _said("anonymousId", _reference("Id"))]
    needed = {name: _NEEDED[name] for name in REQUIRED.get(call, ())}
    told = [{"required": list(needed)}, {"properties": needed}]
    return {"allOf": [_reference("Call"), {"anyOf": people}, *told]}


def _batch() -> Described:
    """None, or at least one call that can be used; each of the others gets its reason."""
    kinds = [{"allOf": [_said("type", {"const": kind}), _one(kind)]} for kind in KINDS]
    usable = {"anyOf": [{"maxItems": 0}, {"contains": {"anyOf": kinds}}]}
    calls = {"type": "array", "maxItems": BATCH_EVENTS, **usable}
    shared = {"sentAt": _nullable(_TIME), "context": _nullable(_reference("Object"))}
    return {"type": "object", "properties": {"batch": calls, **shared}, "required": ["batch"]}


def _said(name: str, schema: Described) -> Described:
    return {"type": "object", "required": [name], "properties": {name: schema}}


def _answer(description: str, schema: str) -> Described:
    content = {"application/json": {"schema": _reference(schema)}}
    return {"description": description, "content": content}
