"""What OpenAPI says about the collection routes."""

from functools import cache
from typing import Any

import msgspec

from courtesy.doors.api.events import CALLS
from courtesy.stages.events.calls import REQUIRED, Call
from courtesy.stages.events.model import BATCH_EVENTS

Described = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_SUMMARIES = {
    "identify": "Who somebody is: their traits",
    "track": "What somebody did",
    "page": "Which page somebody viewed",
    "screen": "Which screen of an app somebody viewed",
    "group": "Which group somebody belongs to",
    "alias": "Two ids that are one person",
    "batch": "Up to 2,500 calls of any kind",
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
    _, schemas = msgspec.json.schema_components([Call], ref_template=_REFERENCE)
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
    known = {"anyOf": [{"required": ["userId"]}, {"required": ["anonymousId"]}]}
    named = {"required": list(REQUIRED.get(call, ()))}
    return {"allOf": [_reference("Call"), known, named]}


def _batch() -> Described:
    events = {"type": "array", "maxItems": BATCH_EVENTS, "items": _reference("Call")}
    shared = {"sentAt": {"type": "string", "format": "date-time"}, "context": {"type": "object"}}
    return {"type": "object", "properties": {"batch": events, **shared}, "required": ["batch"]}


def _answer(description: str, schema: str) -> Described:
    content = {"application/json": {"schema": _reference(schema)}}
    return {"description": description, "content": content}


def _reference(name: str) -> Described:
    return {"$ref": _REFERENCE.format(name=name)}
