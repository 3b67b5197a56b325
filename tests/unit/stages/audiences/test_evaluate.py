"""Truths about people, from a real ledger and a real lake."""
# ruff: noqa: ANN401 - a fixture of conftest.py has no type to import

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import CourtesyError
from courtesy.ground.rules import parse
from courtesy.stages.audiences import evaluate, population

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
Given = Callable[..., pl.DataFrame]


def holding(
    home: Any,
    transaction: Transaction,
    condition: Mapping[str, object],
    given: pl.DataFrame,
    **how: Any,
) -> set[str]:
    conditions = {"holds": parse(condition)}
    found = evaluate(transaction, home.engine, conditions, given, NOW, **how)
    assert found.schema == {
        "subject_id": pl.String,
        "person_id": pl.String,
        "holds": pl.Boolean,
    }
    assert sorted(found["subject_id"]) == sorted(given["subject_id"])
    assert found["holds"].null_count() == 0
    return set(found.filter(pl.col("holds"))["subject_id"])


def test_events_of_the_lake_and_traits_of_the_ledger(home: Any, given: Given) -> None:
    home.events(
        ("ann", "Order Completed", NOW - DAY, {"value": 60}),
        ("bob", "Order Completed", NOW - DAY, {"value": 40}),
        ("cid", "Order Completed", NOW + DAY, {"value": 60}),
        ("dan", "Order Completed", NOW - DAY, {"value": 60}),
    )
    condition = {
        "all": [
            {"did": "Order Completed", "where": {"value": {"gt": 50}}},
            {"trait": "tier", "is": "gold"},
        ]
    }
    with home.ledger.write() as transaction:
        for person in ("ann", "bob", "cid"):
            home.traits(transaction, person, tier="gold", other="gold")
        home.traits(transaction, "dan", other="gold")
        people = given("ann", "bob", "cid", "dan", "eve")
        assert holding(home, transaction, condition, people) == {"ann"}
        assert holding(home, transaction, {"not": condition}, people) == {
            "bob",
            "cid",
            "dan",
            "eve",
        }
        assert holding(home, transaction, condition, people[1:]) == set()


def test_whole_days_are_passed_over_but_never_a_part_of_a_window(home: Any, given: Given) -> None:
    edge = NOW - 7 * DAY
    home.events(
        ("at it", "X", edge),
        ("before it", "X", edge - timedelta(microseconds=1)),
        ("long ago", "X", NOW - 400 * DAY),
        ("today", "X", NOW),
    )
    people = given("at it", "before it", "long ago", "today")
    with home.ledger.read() as transaction:
        within = {"did": "X", "within": "7d"}
        assert holding(home, transaction, within, people) == {"at it", "today"}
        assert holding(home, transaction, {"did": "X"}, people) == set(people["person_id"])
        both = {"any": [within, {"did": "X", "exactly": 0, "within": "1000d"}]}
        assert holding(home, transaction, both, people) == {"at it", "today"}


def test_anchored_conditions_count_from_each_subject(home: Any, given: Given) -> None:
    home.events(("ann", "X", NOW - 5 * DAY), ("bob", "X", NOW - 300 * DAY))
    subjects = given(
        ("early", "ann", NOW - 6 * DAY, None),
        ("late", "ann", NOW - 4 * DAY, None),
        ("never", "ann", None, None),
        ("old", "bob", NOW - 301 * DAY, None),
    )
    with home.ledger.read() as transaction:
        anchored = holding(home, transaction, {"did": "X", "within": "7d"}, subjects, anchored=True)
        assert anchored == {"early", "old"}
        nobody = subjects.filter(pl.col("since").is_null())
        assert holding(home, transaction, {"did": "X"}, nobody, anchored=True) == set()
        plain = holding(home, transaction, {"did": "X", "within": "7d"}, subjects)
        assert plain == {"early", "late", "never"}


def test_the_entry_of_a_subject_is_compared(home: Any, given: Given) -> None:
    home.events(("ann", "Offer Completed", NOW, {"offer id": "a"}))
    subjects = given(
        ("same", "ann", NOW - DAY, '{"offer id": "a"}'),
        ("other", "ann", NOW - DAY, '{"offer id": "b"}'),
        ("none", "ann", NOW - DAY, None),
    )
    condition = {"did": "Offer Completed", "where": {"offer id": {"same_as": "entry"}}}
    with home.ledger.read() as transaction:
        assert holding(home, transaction, condition, subjects) == {"same"}
        assert holding(home, transaction, condition, subjects, anchored=True) == {"same"}


def test_what_somebody_did_under_a_former_id_counts(home: Any, given: Given) -> None:
    home.events(("old", "X", NOW - DAY), ("ann", "X", NOW - DAY), ("bob", "X", NOW - DAY))
    condition = {"did": "X", "at_least": 2}
    with home.ledger.write() as transaction:
        home.people(transaction, "ann", "bob")
        home.merges(transaction, {"old": "ann"})
        assert holding(home, transaction, condition, given("ann", "bob")) == {"ann"}
        assert holding(home, transaction, condition, given("bob")) == set()
        everyone = population(transaction)
        assert holding(home, transaction, condition, everyone, everyone=True) == {"ann"}


@pytest.mark.parametrize(
    ("declared", "allowed"),
    [
        ([], False),
        ([("news", "email", 0, 1)], True),
        ([("news", "email", 0, 0)], False),
        ([("news", "email", -2, 0), ("news", "email", -1, 1)], True),
        ([("news", "email", -1, 0), ("news", "email", -2, 1)], False),
        ([("news", "email", -1, 1), ("news", "email", -1, 0)], False),
        ([("news", "email", -1, 1), ("news", "email", 1, 0)], True),
        ([("news", "email", 1, 1)], False),
        ([("news", "email", -2, 1), ("*", "*", -1, 0)], False),
        ([("news", "email", -2, 1), ("*", "email", -1, 0)], False),
        ([("news", "email", -2, 1), ("news", "*", -1, 0)], False),
        ([("news", "email", -2, 1), ("*", "sms", -1, 0)], True),
        ([("*", "*", -2, 0), ("news", "email", -1, 1)], True),
        ([("offers", "email", -1, 1), ("news", "sms", -1, 1)], False),
    ],
)
def test_the_newest_declaration_about_a_topic_and_channel_counts(
    home: Any,
    given: Given,
    declared: list[tuple[str, str, int, int]],
    allowed: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    rows = [("ann", topic, channel, NOW + at * DAY, yes) for topic, channel, at, yes in declared]
    condition = {"consented": {"topic": "news", "channel": "email"}}
    with home.ledger.write() as transaction:
        home.consents(transaction, *rows)
        expected = {"ann"} if allowed else set()
        assert holding(home, transaction, condition, given("ann", "bob")) == expected


def test_people_are_reachable_where_they_have_an_address(home: Any, given: Given) -> None:
    addresses: dict[str, dict[str, object]] = {
        "ann": {"email": "ann@brand.example"},
        "bob": {"phone": "+49 (30) 1234-567"},
        "two": {"email": "a@b@c"},
        "none": {"email": "ann.brand.example"},
        "space": {"email": "ann @brand.example"},
        "number": {"email": 5, "phone": 4930123456},
        "null": {"email": None, "phone": None},
        "empty": {"email": "", "phone": ""},
        "other": {"mail": "ann@brand.example"},
    }
    with home.ledger.write() as transaction:
        for person, traits in addresses.items():
            home.traits(transaction, person, **traits)
        people = given(*addresses)
        assert holding(home, transaction, {"reachable": "email"}, people) == {"ann"}
        assert holding(home, transaction, {"reachable": "sms"}, people) == {"bob"}
        assert holding(home, transaction, {"reachable": "push"}, people) == set()


def test_the_lake_is_not_read_where_nothing_is_asked_about_events(home: Any, given: Given) -> None:
    home.events(("ann", "X", NOW))
    for day in (home.lake.folder / "events").glob("day=*"):
        shutil.rmtree(day)
    with home.ledger.write() as transaction:
        home.traits(transaction, "ann", tier="gold")
        assert holding(home, transaction, {"trait": "tier", "is": "gold"}, given("ann")) == {"ann"}
        with pytest.raises(CourtesyError):
            holding(home, transaction, {"did": "X"}, given("ann"))


def test_a_lake_without_events_is_a_history_without_events(home: Any, given: Given) -> None:
    with home.ledger.read() as transaction:
        assert holding(home, transaction, {"did": "X"}, given("ann")) == set()
        assert holding(home, transaction, {"not": {"did": "X"}}, given("ann")) == {"ann"}


def test_nobody_asked_about_is_nobody_in_the_answer(home: Any, given: Given) -> None:
    with home.ledger.read() as transaction:
        assert holding(home, transaction, {"did": "X"}, given()) == set()


def test_the_population_answers_as_the_same_people_do(home: Any) -> None:
    condition = {"any": [{"did": "X"}, {"trait": "t", "gte": 5}, {"reachable": "email"}]}
    home.events(("p1", "X", NOW), ("not a person", "X", NOW))
    with home.ledger.write() as transaction:
        home.people(transaction, *(f"p{number}" for number in range(6)))
        home.traits(transaction, "p2", t=5)
        home.traits(transaction, "p3", t=4)
        home.traits(transaction, "p4", email="a@b.example")
        people = population(transaction)
        whole = holding(home, transaction, condition, people, everyone=True)
        assert whole == holding(home, transaction, condition, people) == {"p1", "p2", "p4"}


def test_what_the_caller_loaded_stays(home: Any, given: Given) -> None:
    with home.ledger.write() as transaction:
        transaction.load("given", pl.DataFrame({"person_id": ["mine"]}))
        holding(home, transaction, {"trait": "t", "is": 1}, given("ann"))
        assert transaction.scalar("SELECT person_id FROM given") == "mine"
