"""Remembered truths: the engine's own, asked for once, and never of facts that were."""
# ruff: noqa: ANN401 - a fixture of conftest.py has no type to import

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courtesy.ground.lake import DuckDBEngine
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import compile_conditions, parse
from courtesy.stages.audiences import evaluate, themselves
from courtesy.stages.audiences.sources import gather
from courtesy.stages.audiences.store import Asked

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PEOPLE = ("ann", "bob", "cid")
Given = Callable[..., pl.DataFrame]
Condition = Mapping[str, object]

VALUES = st.sampled_from([True, False, 0, 1, 1.0, "1", " 1", "true", "gold", "", "1e0", None])
OPERANDS = st.sampled_from([True, False, 0, 1, "1", "true", "gold", ""])
LEAVES = st.one_of(
    st.builds(lambda value: {"trait": "t", "is": value}, OPERANDS),
    st.builds(lambda value: {"trait": "t", "is_not": value}, OPERANDS),
    st.sampled_from([{"trait": "t", "gt": 0}, {"trait": "t", "exists": True}]),
    st.sampled_from([{"in": "vip"}, {"reachable": "email"}]),
    st.just({"consented": {"topic": "offers", "channel": "email"}}),
)
TREES: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda trees: st.one_of(
        st.builds(lambda part: {"not": part}, trees),
        st.builds(lambda parts: {"all": parts}, st.lists(trees, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(trees, min_size=1, max_size=3)),
    ),
    max_leaves=4,
)


class Counting(DuckDBEngine):
    """Tells how often it was asked."""

    asked = 0

    def query(self, *given: Any, **how: Any) -> pl.DataFrame:
        self.asked += 1
        return super().query(*given, **how)


def held(transaction: Transaction, engine: DuckDBEngine, when: Condition, people: Any) -> set[str]:
    found = evaluate(transaction, engine, {"holds": parse(when)}, people, NOW)
    return set(found.filter(pl.col("holds"))["subject_id"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    when=TREES,
    traits=st.lists(VALUES, min_size=3, max_size=3),
    members=st.sets(st.sampled_from(PEOPLE)),
    granted=st.lists(st.sampled_from([None, 0, 1]), min_size=3, max_size=3),
)
def test_they_are_those_of_the_engine(
    home: Any, when: Condition, traits: list[object], members: set[str], granted: list[int | None]
) -> None:
    asked = themselves(pl.DataFrame({"person_id": PEOPLE}))
    conditions = {"holds": parse(when)}
    with home.ledger.read() as transaction:
        for person, value, said in zip(PEOPLE, traits, granted, strict=True):
            if value is not None:
                home.traits(transaction, person, t=value, email=f"{person}@b.example")
            if said is not None:
                home.consents(transaction, (person, "offers", "email", NOW, said))
            if person in members:
                row = {"person": person}
                transaction.run("INSERT INTO memberships VALUES ('vip', :person, 0)", **row)
        told = evaluate(transaction, home.engine, conditions, asked, NOW)
        sources = gather(Asked(transaction, asked), conditions.values(), asked, NOW)
        fresh = sources.query(home.engine, compile_conditions(conditions, NOW))
    assert sorted(told.rows()) == sorted(fresh.rows())
    assert told.schema == fresh.schema


def test_the_engine_is_asked_once_for_equal_facts(home: Any, given: Given) -> None:
    engine = Counting(home.lake, threads=1)
    when = {"trait": "plan", "is": "seldom"}
    with home.ledger.write() as transaction:
        for person in ("ann", "bob", "cid"):
            home.traits(transaction, person, plan="seldom", other=person)
        assert held(transaction, engine, when, given("ann")) == {"ann"}
        assert held(transaction, engine, when, given("bob", "cid")) == {"bob", "cid"}
        assert engine.asked == 1
        assert held(transaction, engine, when, given("bob", "dan")) == {"bob"}
        assert engine.asked == 2


def test_what_changes_is_seen_at_once(home: Any, given: Given) -> None:
    when = {"trait": "plan", "is": "pro"}
    with home.ledger.write() as transaction:
        home.traits(transaction, "ann", plan="pro")
        assert held(transaction, home.engine, when, given("ann")) == {"ann"}
        transaction.run("UPDATE traits SET value = :value", value='"basic"')
        assert held(transaction, home.engine, when, given("ann")) == set()
        transaction.run("UPDATE traits SET value = :value", value='"pro"')
        assert held(transaction, home.engine, when, given("ann")) == {"ann"}


def test_conditions_that_python_holds_equal_are_told_apart(home: Any, given: Given) -> None:
    with home.ledger.write() as transaction:
        home.traits(transaction, "ann", flag=True)
        home.traits(transaction, "bob", flag=1)
        people = given("ann", "bob")
        for value, who in ((True, "ann"), (1, "bob")):
            assert held(transaction, home.engine, {"trait": "flag", "is": value}, people) == {who}


def test_what_people_did_is_looked_up_each_time(home: Any, given: Given) -> None:
    engine = Counting(home.lake, threads=1)
    with home.ledger.read() as transaction:
        assert held(transaction, engine, {"did": "Bought"}, given("ann")) == set()
        home.events(("ann", "Bought", NOW))
        assert held(transaction, engine, {"did": "Bought"}, given("ann")) == {"ann"}
    assert engine.asked == 2


def test_a_person_may_stand_behind_several_subjects(home: Any, given: Given) -> None:
    with home.ledger.write() as transaction:
        home.traits(transaction, "ann", plan="pro")
        people = given(("1", "ann", NOW, "{}"), ("2", "bob", NOW, None), ("3", "ann", None, None))
        when = {"trait": "plan", "is": "pro"}
        assert held(transaction, home.engine, when, people) == {"1", "3"}
        assert held(transaction, home.engine, when, people) == {"1", "3"}
