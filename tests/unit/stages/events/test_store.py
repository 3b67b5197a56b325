"""The inbox, what was seen, what was refused, who may send: on a real ledger."""

from datetime import UTC, datetime

import polars as pl

from courtesy.ground.ledger import Ledger
from courtesy.stages.events import Accepted, Collected, Rejection, store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def batches(*bodies: bytes) -> list[Accepted]:
    return [Accepted("shop", NOW, Collected(body, 1)) for body in bodies]


def test_batches_wait_in_order_until_they_are_done(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        store.accept(transaction, batches(b"1", b"2", b"3"))
    with ledger.write() as transaction:
        found = store.waiting(transaction)
        assert found["body"].to_list() == [b"1", b"2", b"3"]
        assert found["received_at"].to_list() == [NOW] * 3
        first, second, third = found["inbox_id"].to_list()
        assert store.waiting(transaction, after=first)["body"].to_list() == [b"2", b"3"]
        assert store.waiting(transaction, upto=second)["body"].to_list() == [b"1", b"2"]
        assert store.waiting(transaction, limit=1)["body"].to_list() == [b"1"]
        store.done(transaction, second)
        assert store.waiting(transaction)["inbox_id"].to_list() == [third]
        assert store.waiting_count(transaction) == 1


def test_numbers_of_batches_are_never_used_again(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        store.accept(transaction, batches(b"1"))
        first = store.waiting(transaction)["inbox_id"].item()
        store.done(transaction, first)
        store.accept(transaction, batches(b"2"))
        assert store.waiting(transaction)["inbox_id"].item() > first


def test_what_was_seen_is_left_out_and_the_first_of_each_kept(ledger: Ledger) -> None:
    frame = pl.DataFrame({"message_id": ["b", "a", "b", "c", "a"], "nth": [0, 1, 2, 3, 4]})
    with ledger.write() as transaction:
        assert store.unseen(transaction, frame)["nth"].to_list() == [0, 1, 3]
        store.mark_seen(transaction, frame.filter(pl.col("message_id") == "a"))
        store.mark_seen(transaction, frame.filter(pl.col("message_id") == "a"))
    with ledger.write() as transaction:
        assert store.unseen(transaction, frame)["nth"].to_list() == [0, 3]
        assert store.unseen(transaction, frame.clear()).is_empty()


def test_rejections_stand_beside_the_batch_they_came_with(ledger: Ledger) -> None:
    faults = tuple(Rejection(f"batch[{n}]", "It is bad.", "{}") for n in range(3))
    with ledger.write() as transaction:
        store.accept(transaction, [Accepted("shop", NOW, Collected(b"1", 1, faults))])
    with ledger.read() as transaction:
        found = store.rejections(transaction, limit=2)
    assert found["place"].to_list() == ["batch[2]", "batch[1]"]
    assert found.row(0, named=True) == {
        "source": "shop",
        "received_at": NOW,
        "place": "batch[2]",
        "reason": "It is bad.",
        "body": "{}",
    }


def test_a_source_is_known_by_its_key_and_the_key_is_not_kept(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        store.add_source(transaction, "shop", "wk-secret", NOW)
    with ledger.read() as transaction:
        assert store.source_of(transaction, "wk-secret") == "shop"
        assert store.source_of(transaction, "other") is None
        assert [one.source for one in store.sources(transaction)] == ["shop"]
        assert store.sources(transaction)[0].created_at == NOW
        rows = transaction.rows("SELECT * FROM sources")
    assert "wk-secret" not in str(rows)
