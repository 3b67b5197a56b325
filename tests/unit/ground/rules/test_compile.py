"""The shape of compiled statements: few passes, shared facts, safe names."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from courtesy.ground.rules import compile_conditions, lookback, parse

NOW = datetime(2024, 3, 10, tzinfo=UTC)
Ask = Callable[..., dict[str, dict[str, bool]]]
Tell = Callable[..., list[dict[str, Any]]]


def compiled(conditions: Mapping[str, object], **how: Any) -> exp.Expr:  # noqa: ANN401 - the switches
    parsed = {name: parse(data) for name, data in conditions.items()}
    return sqlglot.parse_one(compile_conditions(parsed, NOW, **how), read="duckdb")


def scans(tree: exp.Expr, relation: str) -> int:
    return sum(table.name == relation for table in tree.find_all(exp.Table))


SEVERAL = {
    "a": {"all": [{"did": "X", "within": "7d"}, {"not": {"did": "Y", "at_least": 3}}]},
    "b": {"any": [{"did": "X", "within": "7d"}, {"sequence": [{"did": "X"}, {"did": "Z"}]}]},
    "c": {"trait": "t", "is": 1},
    "d": {"all": [{"trait": "t", "is": 1}, {"trait": "u", "is": 1}]},
}


def test_all_events_of_all_conditions_are_found_in_one_look() -> None:
    tree = compiled(SEVERAL)
    assert scans(tree, "history") == 1
    assert scans(tree, "traits") == 1
    assert scans(tree, "consents") == 0


def test_no_condition_on_events_does_not_touch_the_history() -> None:
    assert scans(compiled({"c": SEVERAL["c"]}), "history") == 0


def test_the_same_fact_is_found_once() -> None:
    once = compiled({"a": {"did": "X", "within": "7d"}})
    thrice = compiled(
        {
            "a": {"did": "X", "within": "7d"},
            "b": {"did": "X", "within": "7d", "at_least": 5},
            "c": {"not": {"did": "X", "within": "7d"}},
        }
    )
    assert len(list(once.find_all(exp.Filter))) == len(list(thrice.find_all(exp.Filter))) == 1


def test_only_what_looks_at_the_subject_takes_a_second_look() -> None:
    entry = {"did": "Y", "where": {"v": {"same_as": "entry"}}}
    assert scans(compiled({"a": {"did": "X"}, "b": entry}), "history") == 2
    assert scans(compiled({"a": {"did": "X"}, "b": entry}, anchored=True), "history") == 1


def test_the_whole_population_is_not_looked_up() -> None:
    assert scans(compiled({"a": {"did": "X"}}), "given") == 2
    assert scans(compiled({"a": {"did": "X"}}, everyone=True), "given") == 1


def test_one_and_true_are_two_facts(ask: Ask) -> None:
    conditions = {
        "number": {"did": "X", "where": {"v": 1}},
        "truth": {"did": "X", "where": {"v": True}},
    }
    world = {
        "given": [{"subject_id": "s", "person_id": "p"}],
        "history": [
            {"person_id": "p", "event": "X", "occurred_at": NOW, "properties": '{"v": true}'}
        ],
    }
    assert ask(conditions, world, NOW) == {"s": {"number": False, "truth": True}}


def test_without_conditions_everybody_comes_back(ask: Ask) -> None:
    world = {"given": [{"subject_id": "s", "person_id": "p"}]}
    assert ask({}, world, NOW) == {"s": {}}


def test_a_thousand_leaves_and_the_deepest_nesting_run(ask: Ask) -> None:
    deep: dict[str, Any] = {"did": "X"}
    for _ in range(39):
        deep = {"not": deep}
    wide = {"any": [{"did": f"event {index}"} for index in range(1000)]}
    world = {"given": [{"subject_id": "s", "person_id": "p"}]}
    assert ask({"deep": deep, "wide": wide}, world, NOW) == {"s": {"deep": True, "wide": False}}


@pytest.mark.parametrize(
    ("conditions", "length"),
    [
        ([{"did": "X", "within": "7d"}, {"did": "Y", "within": "1d"}], timedelta(days=7)),
        ([{"did": "X", "within": "7d"}, {"did": "Y"}], None),
        ([{"sequence": [{"did": "X"}, {"did": "Y"}], "within": "3d"}], timedelta(days=3)),
        ([{"not": {"sequence": [{"did": "X"}, {"did": "Y"}]}}], None),
        ([{"did": "X", "within": "7d"}, {"trait": "t", "is": 1}], timedelta(days=7)),
        ([{"trait": "t", "is": 1}], None),
    ],
)
def test_how_far_back_conditions_look(conditions: list[object], length: timedelta | None) -> None:
    assert lookback(map(parse, conditions)) == length


def test_an_explanation_gives_each_leaf_its_evidence(tell: Tell) -> None:
    condition = {
        "all": [
            {"did": "X", "at_least": 2},
            {"not": {"trait": "tier", "is": "gold"}},
            {"sequence": [{"did": "X"}, {"did": "Y"}, {"did": "Z"}]},
            {"any": [{"in": "vip"}, {"consented": {"topic": "news", "channel": "email"}}]},
        ]
    }
    world = {
        "given": [{"subject_id": "s", "person_id": "p"}],
        "history": [
            {"person_id": "p", "event": name, "occurred_at": NOW - ago, "properties": "{}"}
            for name, ago in (
                ("X", timedelta(days=2)),
                ("X", timedelta(days=1)),
                ("Y", timedelta(hours=30)),
                ("Z", timedelta(days=3)),
            )
        ],
        "traits": [{"person_id": "p", "name": "tier", "value": '"gold"'}],
        "consents": [{"person_id": "p", "topic": "news", "channel": "email", "granted": False}],
    }
    rows = [tuple(row.values())[1:] for row in tell(condition, world, NOW)]
    assert rows == [
        (
            "all[0]",
            "did X, at least 2 times",
            True,
            '{"count": 2, "last": "2024-03-09 00:00:00+00"}',
        ),
        ("all[1].not", "trait tier is gold", True, '{"value": "gold"}'),
        (
            "all[2]",
            "did X, then did Y, then did Z",
            False,
            '{"times": ["2024-03-08 00:00:00+00", "2024-03-08 18:00:00+00", null]}',
        ),
        ("all[3].any[0]", "in vip", False, '{"member": false}'),
        ("all[3].any[1]", "consented to news on email", False, '{"granted": false}'),
    ]
