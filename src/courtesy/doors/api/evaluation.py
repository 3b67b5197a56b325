"""What OpenAPI says about the flag routes: OFREP's own schemas, as far as we answer them."""

from typing import Any

from courtesy.doors.api.flags import PATH
from courtesy.stages.events.ids import EXACT, NO_ID

Described = dict[str, Any]

_TEXT: Described = {"type": "string"}
_ID: Described = {"type": ["string", "number"], "minLength": 1, "pattern": "^[^\\u0000]+$"}
_NO_ID: Described = {"enum": ["", None]}
_NUMBERS: Described = {"exclusiveMinimum": -EXACT, "exclusiveMaximum": EXACT}
_SOMEBODY: Described = {
    "allOf": [_ID, _NUMBERS, {"not": {"type": "string", "pattern": NO_ID}}, {"not": {"const": 0}}]
}
_REQUEST: Described = {
    "type": "object",
    "properties": {
        "context": {
            "type": "object",
            "properties": {"targetingKey": _ID, "anonymousId": {"anyOf": [_ID, _NO_ID]}},
            "required": ["targetingKey"],
            "anyOf": [
                {"properties": {"targetingKey": _SOMEBODY}},
                {"properties": {"anonymousId": _SOMEBODY}, "required": ["anonymousId"]},
            ],
            "description": "Other attributes count as traits in conditions, for this answer alone.",
        }
    },
    "required": ["context"],
}
_SUCCESS: Described = {
    "type": "object",
    "properties": {
        "key": _TEXT,
        "reason": {"enum": ["DISABLED", "STATIC", "TARGETING_MATCH", "SPLIT"]},
        "variant": _TEXT,
        "value": {"type": ["boolean", "string", "number", "object", "array"]},
        "metadata": {
            "type": "object",
            "properties": {"takesPart": {"type": "boolean"}},
            "required": ["takesPart"],
        },
    },
    "required": ["key", "reason", "variant", "metadata"],
}
_BULK: Described = {
    "type": "object",
    "properties": {"flags": {"type": "array", "items": _SUCCESS}},
    "required": ["flags"],
}
_CODES = ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"]
_FAILURE: Described = {
    "type": "object",
    "properties": {"key": _TEXT, "errorCode": {"enum": _CODES}, "errorDetails": _TEXT},
    "required": ["errorCode", "errorDetails"],
}
_FAILURES = {
    "400": "Not understood; `errorCode` says what is wrong.",
    "401": "The write key is not known.",
    "503": "The ledger cannot be read or written; ask again after `Retry-After`.",
}
_IF_NONE_MATCH: Described = {"name": "If-None-Match", "in": "header", "schema": _TEXT}
_KEY: Described = {"name": "key", "in": "path", "required": True, "schema": _TEXT}


def flag_paths() -> Described:
    """The OpenAPI ``paths`` of the flags."""
    one = {
        "200": _answer("The arm; recorded as an exposure where it takes part.", _SUCCESS),
        "404": _answer("There is no such flag.", _FAILURE),
        "429": _answer("Too much at once; ask again after `Retry-After`.", _FAILURE),
    }
    every = {
        "200": _answer("The arms of all flags; no exposure.", _BULK),
        "304": {"description": "As the client has it."},
    }
    return {
        PATH: _operation("evaluateFlags", "Every flag for one person", _IF_NONE_MATCH, every),
        f"{PATH}/{{key}}": _operation("evaluateFlag", "One flag for one person", _KEY, one),
    }


def _operation(name: str, summary: str, parameter: Described, answers: Described) -> Described:
    failures = {status: _answer(text, _FAILURE) for status, text in _FAILURES.items()}
    body = {"required": True, "content": {"application/json": {"schema": _REQUEST}}}
    described = {
        "operationId": name,
        "summary": summary,
        "tags": ["flags"],
        "security": [{"writeKey": []}],
        "parameters": [parameter],
        "requestBody": body,
        "responses": answers | failures,
    }
    return {"post": described}


def _answer(description: str, schema: Described) -> Described:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
