"""Compiled statements against an evaluator in plain Python, on random conditions and histories."""
# ruff: noqa: ANN401 - JSON and drawn worlds are of any type

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
WINDOWS = {"3d": timedelta(days=3), "144h": timedelta(days=6)}
PEOPLE = ("ann", "o'neil")
EVENTS = ("Order Completed", "it's")
ABSENT = object()

Ask = Callable[..., dict[str, dict[str, bool]]]
Tell = Callable[..., list[dict[str, Any]]]
Facts = Mapping[str, Any]
Event = Mapping[str, Any]


def value_at(document: object, path: str) -> object:
    for part in path.split("."):
        if not isinstance(document, dict) or part not in document:
            return ABSENT
        document = document[part]
    return ABSENT if document is None else document


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(value: object, other: object) -> bool:
    if is_number(value) and is_number(other):
        return value == other
    return type(value) is type(other) and value == other


def as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def ordered(value: object, operator: str, operand: Any) -> bool:
    left: Any = value if isinstance(value, str) else None
    if not isinstance(operand, str):
        left = as_number(value)
    if left is None:
        return False
    signs: dict[str, bool] = {
        "gt": left > operand,
        "gte": left >= operand,
        "lt": left < operand,
        "lte": left <= operand,
    }
    return signs[operator]


def compares(value: object, operator: str, operand: Any) -> bool:
    if operator == "exists":
        return (value is not ABSENT) is operand
    if operator in {"is", "is_not"}:
        return equal(value, operand) is (operator == "is")
    if operator in {"in", "not_in"}:
        return any(equal(value, one) for one in operand) is (operator == "in")
    if operator == "contains" and isinstance(value, list):
        return any(equal(item, operand) for item in value if item is not None)
    if operator in {"contains", "starts_with"}:
        found = isinstance(value, str) and isinstance(operand, str) and operand in value
        return found if operator == "contains" else found and str(value).startswith(operand)
    return ordered(value, operator, operand)


def property_holds(event: Event, path: str, wanted: Any, entry: object) -> bool:
    value = value_at(event["properties"], path)
    tests = wanted if isinstance(wanted, dict) else {"is": wanted}
    for operator, operand in tests.items():
        if operator == "same_as":
            other = value_at(entry, path if operand == "entry" else operand["entry"])
            if value is ABSENT or not equal(value, other):
                return False
        elif not compares(value, operator, operand):
            return False
    return True


def matching(did: Any, facts: Facts, within: str | None, *, anchored: bool) -> list[Event]:
    length = WINDOWS[within] if within else None
    first, last = datetime.min.replace(tzinfo=UTC), NOW
    if anchored:
        if facts["since"] is None:
            return []
        first = facts["since"]
        last = min(NOW, first + length) if length else NOW
        last = min(last, facts["until"] or NOW)
    elif length:
        first = NOW - length
    return [
        event
        for event in facts["history"]
        if event["event"] == did["did"]
        and first <= event["occurred_at"] <= last
        and not (anchored and event["message_id"] == facts["entry_event_id"])
        and all(
            property_holds(event, path, wanted, facts["entry"])
            for path, wanted in did.get("where", {}).items()
        )
    ]


def did_holds(did: Any, facts: Facts, *, anchored: bool) -> bool:
    count = len(matching(did, facts, did.get("within"), anchored=anchored))
    if "exactly" in did:
        return bool(count == did["exactly"])
    least = did.get("at_least", 0 if "at_most" in did else 1)
    return bool(least <= count <= did.get("at_most", math.inf))


def sequence_holds(data: Any, facts: Facts, *, anchored: bool) -> bool:
    found = [
        matching(step, facts, data.get("within"), anchored=anchored) for step in data["sequence"]
    ]
    return any(
        all(a["occurred_at"] < b["occurred_at"] for a, b in pairwise(way))
        for way in product(*found)
    )


def holds(data: Any, facts: Facts, *, anchored: bool) -> bool:  # noqa: PLR0911 - one way for each kind
    if "all" in data:
        return all(holds(part, facts, anchored=anchored) for part in data["all"])
    if "any" in data:
        return any(holds(part, facts, anchored=anchored) for part in data["any"])
    if "not" in data:
        return not holds(data["not"], facts, anchored=anchored)
    if "trait" in data:
        value = value_at(facts["traits"], data["trait"])
        return all(compares(value, op, data[op]) for op in data if op != "trait")
    if "did" in data:
        return did_holds(data, facts, anchored=anchored)
    if "sequence" in data:
        return sequence_holds(data, facts, anchored=anchored)
    if "in" in data:
        return data["in"] in facts["audiences"]
    if "reachable" in data:
        return data["reachable"] in facts["channels"]
    return facts["consents"].get((data["consented"]["topic"], data["consented"]["channel"])) is True


STRINGS = ["5", "50", "gold", "go", "", "true", "tr", "it's", 'a"\\', "é"]
SCALARS: list[Any] = [5, 5.0, -1, 0.1, 50, 1e18, True, False, *STRINGS]
VALUES: list[Any] = [
    *SCALARS,
    *SCALARS,
    None,
    "nan",
    "inf",
    [5],
    SCALARS,
    [[5], None, {"p": 5}],
    {"p": 5},
    "[5]",
    '{"p":5}',
]
PATHS = ["v", "it's", 'q"\\.x y']

scalars = st.sampled_from([*SCALARS, *STRINGS])
order = scalars.filter(lambda one: not isinstance(one, bool))
tests = st.dictionaries(
    st.sampled_from(["is", "is_not", "in", "not_in", "gt", "gte", "lt", "lte"])
    | st.sampled_from(["contains", "starts_with", "exists"]),
    st.none(),
    min_size=1,
    max_size=2,
).flatmap(
    lambda found: st.fixed_dictionaries(
        {
            name: st.lists(scalars, min_size=1, max_size=3)
            if name in {"in", "not_in"}
            else st.booleans()
            if name == "exists"
            else st.sampled_from(STRINGS)
            if name == "starts_with"
            else order
            if name in {"gt", "gte", "lt", "lte"}
            else scalars
            for name in found
        }
    )
)
same_as = st.just({"same_as": "entry"}) | st.sampled_from(PATHS).map(
    lambda path: {"same_as": {"entry": path}}
)
wheres = st.dictionaries(
    st.sampled_from(PATHS), scalars | tests | tests | same_as, min_size=1, max_size=2
)
windows = st.sampled_from(list(WINDOWS))
steps = st.fixed_dictionaries({"did": st.sampled_from(EVENTS)}, optional={"where": wheres})
counts = st.sampled_from(
    [
        {},
        {"at_least": 2},
        {"at_most": 0},
        {"at_most": 1},
        {"exactly": 1},
        {"at_least": 1, "at_most": 2},
    ]
)
dids = st.builds(
    lambda step, count, within: step | count | within,
    steps,
    counts,
    st.fixed_dictionaries({}, optional={"within": windows}),
)
leaf = st.one_of(
    dids,
    dids,
    st.fixed_dictionaries(
        {"sequence": st.lists(steps, min_size=2, max_size=3)}, optional={"within": windows}
    ),
    st.builds(lambda name, found: {"trait": name, **found}, st.sampled_from("ab"), tests),
    st.sampled_from([{"in": "vip"}, {"in": "it's"}, {"reachable": "sms"}]),
    st.sampled_from([{"consented": {"topic": t, "channel": "email"}} for t in ("news", "offers")]),
)
conditions = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)

moments = st.builds(
    lambda steps, shift: NOW - steps * timedelta(days=3) + shift * MICRO,
    st.sampled_from([0, 0, 1, 1, 2, 3]),
    st.sampled_from([0, 0, 0, 1, -1]),
)
properties = st.fixed_dictionaries(
    {},
    optional={
        "v": st.sampled_from(VALUES),
        "it's": st.sampled_from(VALUES),
        'q"\\': st.sampled_from(VALUES).map(lambda value: {"x y": value}),
    },
)
events = st.fixed_dictionaries(
    {
        "person_id": st.sampled_from(PEOPLE),
        "event": st.sampled_from(EVENTS),
        "occurred_at": moments,
        "properties": properties,
        "message_id": st.sampled_from("ijk"),
    }
)
subjects = st.fixed_dictionaries(
    {
        "person_id": st.sampled_from(PEOPLE),
        "since": moments | st.none(),
        "entry": properties | st.none(),
        "entry_event_id": st.sampled_from("ijk") | st.none(),
        "until": moments | st.none(),
    }
)
worlds = st.fixed_dictionaries(
    {
        "given": st.lists(subjects, min_size=1, max_size=4),
        "history": st.lists(events, min_size=2, max_size=10),
        "traits": st.dictionaries(
            st.tuples(st.sampled_from(PEOPLE), st.sampled_from("ab")), st.sampled_from(VALUES)
        ),
        "audiences": st.sets(st.tuples(st.sampled_from(["vip", "it's"]), st.sampled_from(PEOPLE))),
        "channels": st.sets(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["sms", "push"]))),
        "consents": st.dictionaries(
            st.tuples(
                st.sampled_from(PEOPLE), st.sampled_from(["news", "offers"]), st.just("email")
            ),
            st.booleans(),
        ),
    }
)


def relations(world: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        "given": [
            one | {"subject_id": str(index), "entry": json.dumps(one["entry"])}
            if one["entry"] is not None
            else one | {"subject_id": str(index)}
            for index, one in enumerate(world["given"])
        ],
        "history": [
            one | {"properties": json.dumps(one["properties"])} for one in world["history"]
        ],
        "traits": [
            {"person_id": person, "name": name, "value": json.dumps(value)}
            for (person, name), value in world["traits"].items()
        ],
        "memberships": [{"audience": a, "person_id": p} for a, p in world["audiences"]],
        "reachable": [{"person_id": p, "channel": c} for p, c in world["channels"]],
        "consents": [
            {"person_id": person, "topic": topic, "channel": channel, "granted": granted}
            for (person, topic, channel), granted in world["consents"].items()
        ],
    }


def facts_of(world: Any, subject: Facts) -> Facts:
    person = subject["person_id"]

    def own(pairs: Iterable[tuple[str, str]], place: int) -> set[str]:
        return {pair[1 - place] for pair in pairs if pair[place] == person}

    return {
        "since": subject["since"],
        "entry": subject["entry"],
        "entry_event_id": subject["entry_event_id"],
        "until": subject["until"],
        "history": [event for event in world["history"] if event["person_id"] == person],
        "traits": {name: value for (p, name), value in world["traits"].items() if p == person},
        "audiences": own(world["audiences"], 1),
        "channels": own(world["channels"], 0),
        "consents": {
            key[1:]: value for key, value in world["consents"].items() if key[0] == person
        },
    }


@given(st.lists(conditions, min_size=1, max_size=6), worlds, st.booleans())
@settings(max_examples=250, deadline=None)
def test_the_statement_says_what_the_evaluator_says(
    ask: Ask,
    data: list[object],
    world: Any,
    anchored: bool,  # noqa: FBT001 - drawn
) -> None:
    named = {f"c{index}": condition for index, condition in enumerate(data)}
    found = ask(named, relations(world), NOW, anchored=anchored)
    assert found == {
        str(index): {
            name: holds(condition, facts_of(world, subject), anchored=anchored)
            for name, condition in named.items()
        }
        for index, subject in enumerate(world["given"])
    }


@given(conditions, worlds)
@settings(max_examples=60, deadline=None)
def test_sparing_the_look_up_changes_nothing(ask: Ask, condition: object, world: Any) -> None:
    named = {"c": condition}
    assert ask(named, relations(world), NOW, everyone=True) == ask(named, relations(world), NOW)


@given(leaf, worlds, st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_explanation_agrees_with_the_truth(
    ask: Ask,
    tell: Tell,
    condition: object,
    world: Any,
    anchored: bool,  # noqa: FBT001 - drawn
) -> None:
    truths = ask({"c": condition}, relations(world), NOW, anchored=anchored)
    rows = tell(condition, relations(world), NOW, anchored=anchored)
    assert {row["subject_id"]: {"c": row["holds"]} for row in rows} == truths
    assert all(json.loads(row["evidence"]) for row in rows)
