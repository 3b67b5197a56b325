"""Members come and go with the night; why somebody is meant is told leaf by leaf."""
# ruff: noqa: ANN401 - a fixture of conftest.py has no type to import

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given as drawn
from hypothesis import strategies as st

from courtesy.ground.definitions import read_yaml
from courtesy.ground.definitions import store as definitions
from courtesy.ground.ledger import Transaction
from courtesy.stages.audiences import Audience, check, explain, refresh, store
from courtesy.stages.audiences.refresh import difference

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BODIES = {
    "buyers": "audience: buyers\nwhen: {did: Order Completed, within: 7d}\n",
    "gold": "audience: gold\nwhen: {trait: tier, is: gold}\n",
    "vip": "audience: vip\nwhen: {all: [{in: gold}, {in: buyers}]}\n",
    "others": "audience: others\nwhen: {not: {in: vip}}\n",
}


def audiences(*names: str) -> Mapping[str, Audience]:
    return check([read_yaml(f"audiences/{name}.yaml", BODIES[name]) for name in names])


def members(transaction: Transaction, *names: str) -> dict[str, set[str]]:
    return {name: set(store.members(transaction, name)["person_id"]) for name in names}


def filled(home: Any, transaction: Transaction) -> None:
    home.people(transaction, "ann", "bob", "cid")
    home.traits(transaction, "ann", tier="gold")
    home.traits(transaction, "bob", tier="gold")
    home.events(("ann", "Order Completed", NOW - DAY), ("cid", "Order Completed", NOW - 2 * DAY))


def test_audiences_are_refreshed_after_those_they_refer_to(home: Any) -> None:
    with home.ledger.write() as transaction:
        filled(home, transaction)
        changes = refresh(transaction, home.engine, audiences(*reversed(BODIES)), NOW)
        assert members(transaction, *BODIES) == {
            "buyers": {"ann", "cid"},
            "gold": {"ann", "bob"},
            "vip": {"ann"},
            "others": {"bob", "cid"},
        }
        assert {
            name: set(change.joined["person_id"]) for name, change in changes.items()
        } == members(transaction, *BODIES)
        assert all(change.left.is_empty() for change in changes.values())
        assert store.counts(transaction) == {"buyers": 2, "gold": 2, "vip": 1, "others": 2}


def test_a_second_refresh_changes_nothing_and_keeps_since_when(home: Any) -> None:
    with home.ledger.write() as transaction:
        filled(home, transaction)
        refresh(transaction, home.engine, audiences(*BODIES), NOW)
        changes = refresh(transaction, home.engine, audiences(*BODIES), NOW + timedelta(hours=1))
        assert all(c.joined.is_empty() and c.left.is_empty() for c in changes.values())
        assert store.member_since(transaction, "vip", "ann") == NOW
        assert store.member_since(transaction, "vip", "bob") is None


def test_who_is_no_longer_meant_leaves_and_so_on_downstream(home: Any) -> None:
    with home.ledger.write() as transaction:
        filled(home, transaction)
        refresh(transaction, home.engine, audiences(*BODIES), NOW)
        changes = refresh(transaction, home.engine, audiences(*BODIES), NOW + 6.5 * DAY)
        assert {name: set(change.left["person_id"]) for name, change in changes.items()} == {
            "buyers": {"ann", "cid"},
            "gold": set(),
            "vip": {"ann"},
            "others": set(),
        }
        assert members(transaction, "buyers", "vip") == {"buyers": set(), "vip": set()}
        assert members(transaction, "others") == {"others": {"ann", "bob", "cid"}}


def test_an_audience_that_is_gone_has_no_members(home: Any) -> None:
    with home.ledger.write() as transaction:
        filled(home, transaction)
        refresh(transaction, home.engine, audiences(*BODIES), NOW)
        refresh(transaction, home.engine, audiences("gold"), NOW)
        assert store.counts(transaction) == {"gold": 2}
        assert refresh(transaction, home.engine, {}, NOW) == {}
        assert store.counts(transaction) == {}


names = st.sets(st.sampled_from("abcdef"))


@drawn(names, names)
def test_the_difference_turns_one_into_the_other(before: set[str], after: set[str]) -> None:
    def frame(people: set[str]) -> pl.DataFrame:
        return pl.DataFrame({"person_id": sorted(people)}, schema={"person_id": pl.String})

    change = difference(frame(before), frame(after))
    joined, left = set(change.joined["person_id"]), set(change.left["person_id"])
    assert (before | joined) - left == after
    assert not joined & before
    assert left <= before


def test_why_somebody_is_meant(home: Any) -> None:
    with home.ledger.write() as transaction:
        filled(home, transaction)
        found = audiences(*BODIES)
        refresh(transaction, home.engine, found, NOW)
        meant = explain(transaction, home.engine, found["vip"], "ann", NOW)
        other = explain(transaction, home.engine, found["vip"], "bob", NOW)
        bought = explain(transaction, home.engine, found["buyers"], "ann", NOW)
    assert (meant.holds, meant.member_since) == (True, NOW)
    assert (other.holds, other.member_since) == (False, None)
    assert other.leaves.rows() == [
        ("all[0]", "in gold", True, '{"member": true}'),
        ("all[1]", "in buyers", False, '{"member": false}'),
    ]
    assert bought.leaves.rows() == [
        (
            "",
            "did Order Completed, within 7d",
            True,
            '{"count": 1, "last": "2024-03-09 12:00:00+00"}',
        )
    ]


def test_what_is_in_force_is_read_from_the_ledger(home: Any) -> None:
    with home.ledger.write() as transaction:
        for name in ("vip", "gold", "buyers"):
            definitions.put(transaction, "audience", name, BODIES[name], NOW)
        definitions.put(transaction, "journey", "welcome", "journey: welcome\n", NOW)
        assert store.in_force(transaction) == audiences("gold", "buyers", "vip")
        definitions.retire(transaction, "audience", "vip")
        assert set(store.in_force(transaction)) == {"gold", "buyers"}
