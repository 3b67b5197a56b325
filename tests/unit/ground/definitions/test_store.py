"""Versions of definitions in the ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from courtesy.ground.definitions import store
from courtesy.ground.ledger import Ledger, Transaction

NOW = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
def tx(ledger: Ledger) -> Iterator[Transaction]:
    with ledger.write() as transaction:
        yield transaction


def test_the_newest_version_is_in_force_and_the_older_stay(tx: Transaction) -> None:
    assert store.put(tx, "journey", "welcome", "one", NOW) == 1
    assert store.put(tx, "journey", "welcome", "two", NOW) == 2
    assert store.put(tx, "audience", "welcome", "three", NOW) == 1
    assert [(v.kind, v.version, v.body) for v in store.active(tx)] == [
        ("audience", 1, "three"),
        ("journey", 2, "two"),
    ]
    assert [(v.version, v.body, v.applied_at) for v in store.every(tx, "journey")] == [
        (1, "one", NOW),
        (2, "two", NOW),
    ]


def test_what_was_retired_counts_on_when_it_returns(tx: Transaction) -> None:
    store.put(tx, "journey", "welcome", "one", NOW)
    store.retire(tx, "journey", "welcome")
    assert store.active(tx) == []
    assert store.put(tx, "journey", "welcome", "one", NOW) == 2


def test_the_same_text_has_the_same_hash(tx: Transaction) -> None:
    store.put(tx, "journey", "welcome", "one", NOW)
    store.put(tx, "journey", "other", "one", NOW)
    store.put(tx, "journey", "third", "two", NOW)
    one, other, third = (v.content_hash for v in store.every(tx, "journey") if v.body)
    assert len({one, other, third}) == 2
    assert store.content_hash("two") in {one, other, third}


def test_stamps_tell_every_change_of_what_is_in_force(tx: Transaction) -> None:
    seen = [store.stamps(tx)]
    for body in ("one", "two", "one"):
        store.put(tx, "journey", "welcome", body, NOW)
        seen.append(store.stamps(tx))
    store.put(tx, "audience", "welcome", "one", NOW)
    seen.append(store.stamps(tx))
    store.retire(tx, "journey", "welcome")
    seen.append(store.stamps(tx))
    assert len(set(seen)) == len(seen) == 6
    assert store.stamps(tx) == seen[-1]
    tx.run("UPDATE definitions SET content_hash = 'x' WHERE kind = 'audience'")
    assert store.stamps(tx) != seen[-1]
