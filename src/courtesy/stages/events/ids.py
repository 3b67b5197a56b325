"""What identifies somebody, and what only looks like it: one rule for every door.

Clients that do not know who is there often send the spelling of that instead: ``undefined``, a
UUID of zeros. Taken as ids these make one person of everybody, who then gets what others agreed to.
PostHog keeps such a list too (https://posthog.com/docs/product-analytics/identify).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from courtesy.stages.events.model import Rejection

Id = str | int | float | None
Notice = tuple[dict[str, Any], Rejection]

ID_FIELDS = {
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "previous_id": "previousId",
    "group_id": "groupId",
}
"""The columns of events that identify, and what clients call them."""

WORDS_FOR_NOBODY = (
    *("undefined", "null", "nil", "nan", "inf", "infinity", "true", "false"),
    *("anonymous", "guest", "unknown", "not_authenticated", "not set", "n/a", "#n/a"),
    *("id", "userid", "user_id", "anonymousid", "anonymous_id", "distinctid", "distinct_id"),
    *("email", "function", "void", "{}", "[]", r"\n"),
)
"""No ids, in any letters, also in quotes, parentheses or angle brackets.

``None`` is Python's and no id just so: a shop may call somebody ``none``."""

EXACT = 2**53
"""From here on a number with a point may stand for several whole ones (IEEE 754, binary64)."""


def _any_case(word: str) -> str:
    plain = (rf"\{one}" if one in r"\[]{}" else f"[{one.lower()}{one.upper()}]" for one in word)
    return "".join(plain)


_words = "|".join(map(_any_case, WORDS_FOR_NOBODY))
# Also a run of zeros, an object's name, an unfilled placeholder and a number cut by a spreadsheet.
# Python's re, Rust's regex and the API's description read it alike, so it has no flags.
NO_ID = (
    rf"^\s*(?:[\"'`(<]*-?(?:{_words}|None)[\"'`)>]*|[\"'`]*|[-0.{{}}]*0[-0.{{}}]*|[-_.]+"
    r"|\[object [A-Za-z]+\]|\{\{.*\}\}|\$\{.*\}|%[A-Za-z_.]*%|[0-9][.,]?[0-9]*[eE]\+[0-9]+)\s*$"
)
_no_id = re.compile(NO_ID).search
# Most ids are seen at once to be some: what is none has no digit but zeros, or one of these marks.
_settled = re.compile(r"[^{$+]*[1-9][^{$+]*").fullmatch
_whole_number = re.compile(r"(-?[1-9][0-9]*)\.0+").fullmatch
_EDGES = " \t\r\n\v\f\u00a0\u2028\u2029\ufeff\u200b"


def id_text(given: Id) -> str | None:
    """An id as text: edges trimmed, a whole number as its digits, however it was written.

    None where there is nothing, and empty where there are only blanks.
    """
    if given is None:
        return None
    if isinstance(given, str):
        text = given.strip().strip(_EDGES)
        found = _whole_number(text) if text.endswith("0") else None
        return (found[1] if found else text) if given else None
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    return str(given)


def is_exact(given: float) -> bool:
    """Whether a number with a point can be told from its neighbours as a whole number."""
    return abs(given) < EXACT


def fault_of_id(given: Id) -> str | None:
    """Why something that is there cannot be an id; None where it can, or where nothing is there."""
    if isinstance(given, str) and _settled(given):
        return None
    text = id_text(given)
    return f"is no id; found {given!r:.60}" if text is not None and _no_id(text) else None


def leave_out_false_ids(events: pl.DataFrame) -> tuple[pl.DataFrame, list[Notice]]:
    """Take out of events what is no id.

    Args:
        events: rows of ``NORMALISED``.

    Returns:
        The events that still have an id of somebody; and a notice for each id that was left
        out, with its event.
    """
    false = {name: pl.col(name).str.contains(NO_ID) for name in ID_FIELDS}
    found = events.filter(pl.any_horizontal(*false.values()))
    notices = [one for event in found.iter_rows(named=True) for one in _notices(event)]
    if not notices:
        return events, []
    kept = events.with_columns(
        pl.when(no_id.not_()).then(pl.col(name)).alias(name) for name, no_id in false.items()
    )
    return kept.filter(~pl.all_horizontal(pl.col("user_id", "anonymous_id").is_null())), notices


def _notices(event: dict[str, Any]) -> Iterator[Notice]:
    for column, name in ID_FIELDS.items():
        given = event[column]
        why = None if given is None else fault_of_id(given or " ")
        if why:
            body = json.dumps({"messageId": event["message_id"], name: given})
            yield event, Rejection(name, f"{name} {why}.", body)
