"""Fetches of messages on both ledgers: kept once, judged when they have settled, then gone."""

from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from courtesy.ground.ledger import Ledger
from courtesy.stages.events import store as events_store
from courtesy.stages.messages import INTENTS, VERDICTS, store
from courtesy.stages.messages.fetches import FETCHES

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_fetches_wait_and_come_back_as_what_they_were(ledger: Ledger) -> None:
    intents = [
        (one, "e", who, "welcome", 1, "s", "treated", ["email"], "offers", "hello", NOON)
        for one, who in (("m1", "ana"), ("m2", "bea"))
    ]
    verdicts = [(one, "send", "email", None, NOON, None) for one in ("m1", "m2")]
    rows = [
        ("1", "m1", "c", "https://a.example/", "", NOON),
        ("2", "m1", "c", "https://b.example/", "", NOON + SECOND),
        ("3", "m2", "o", "", "", NOON + 5 * SECOND),
        ("4", "gone", "o", "", "", NOON),
    ]
    fetches = pl.DataFrame(rows, schema=FETCHES, orient="row")
    with ledger.write() as transaction:
        frame = pl.DataFrame([(*row, None, 0, None) for row in intents], INTENTS, orient="row")
        store.queue(transaction, frame, pl.DataFrame(verdicts, VERDICTS, orient="row"), NOON)
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'ana-1', 'ana')")
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'bea-1', 'bea')")
        store.keep_fetches(transaction, fetches)
        store.keep_fetches(transaction, fetches)
        early = store.ready_fetches(transaction, NOON + 9 * SECOND)
        ready = store.ready_fetches(transaction, NOON + 11 * SECOND)
        store.judge_fetches(transaction, NOON + 11 * SECOND)
        left = transaction.scalar("SELECT count(*) FROM fetches")
        (body,) = events_store.waiting(transaction)["body"]
    assert (early["message_id"].to_list(), sorted(ready["message_id"])) == ([], ["gone", "m1"])
    assert left == 1
    events = msgspec.json.decode(body)["batch"]
    assert [(one["event"], one["userId"]) for one in events] == [
        ("Email Link Clicked by Machine", "ana-1"),
        ("Email Link Clicked by Machine", "ana-1"),
    ]
    assert {one["properties"]["signal"] for one in events} == {"burst"}
