from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest

from courtesy.ground.ledger import Ledger, Transaction
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.events import store as events_store
from courtesy.stages.journeys import INTENTS
from courtesy.stages.messages import store
from courtesy.stages.messages.model import CLAIMED, OUTCOMES, VERDICTS, Facts
from courtesy.stages.messages.outbox import store as outbox
from courtesy.stages.messages.policy import Policy
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.model import TRAITS

WORKER = "w"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECRET = b"s" * 32
HOUR = timedelta(hours=1)
COSTS = {"email": 0.0008}


@pytest.fixture
def policy(make_policy: Callable[..., Policy]) -> Policy:
    return make_policy("caps: [{channel: email, at_most: 2, within: 7d}]\n")


def intents(*ids: str, person: str = "ana") -> pl.DataFrame:
    rows = [
        (
            one,
            f"e-{one}",
            person,
            "welcome",
            1,
            "s",
            "treated",
            ["email"],
            "offers",
            "hello",
            NOON,
            None,
            0,
            None,
        )
        for one in ids
    ]
    return pl.DataFrame(rows, schema=INTENTS, orient="row")


def put(
    ledger: Ledger, wanted: pl.DataFrame, verdict: str = "send", until: datetime | None = NOON
) -> None:
    reason = None if verdict == "send" else "quiet_hours"
    rows = [(one, verdict, "email", reason, until, None) for one in wanted["message_id"]]
    with ledger.write() as transaction:
        store.queue(transaction, wanted, pl.DataFrame(rows, schema=VERDICTS, orient="row"), NOON)


def outcome(ledger: Ledger, now: datetime = NOON, **known: object) -> None:
    row = {"tried": True, "channel": "email", "address_hash": "h", **known}
    with ledger.write() as transaction:
        store.settle(transaction, WORKER, pl.DataFrame([row], schema=OUTCOMES), now, COSTS)


def claimed(ledger: Ledger, now: datetime = NOON, limit: int = 10) -> list[str]:
    with ledger.write() as transaction:
        return store.claim(transaction, WORKER, now, limit)["message_id"].to_list()


def shown(ledger: Ledger, message_id: str) -> dict[str, Any]:
    with ledger.read() as transaction:
        return store.message(transaction, message_id)


def put_traits(transaction: Transaction, *rows: tuple[str, str, str]) -> None:
    traits = [(*row, NOON) for row in rows]
    profiles_store.put_traits(transaction, pl.DataFrame(traits, schema=TRAITS, orient="row"))


def test_a_message_is_queued_once(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    put(ledger, intents("m1"), verdict="refuse", until=None)
    found = shown(ledger, "m1")
    assert (found["state"], found["reason"], found["due_at"], found["attempts"]) == (
        "queued",
        None,
        NOON,
        0,
    )


def test_what_is_due_is_claimed_once_and_the_longest_due_first(ledger: Ledger) -> None:
    put(ledger, intents("late"), until=NOON)
    put(ledger, intents("held"), verdict="hold", until=NOON - HOUR)
    put(ledger, intents("later"), verdict="hold", until=NOON + HOUR)
    put(ledger, intents("no"), verdict="refuse", until=None)
    assert claimed(ledger, limit=1) == ["held"]
    assert claimed(ledger) == ["late"]
    assert claimed(ledger) == []
    assert claimed(ledger, NOON + HOUR) == ["later"]


def test_a_claim_brings_all_that_rendering_needs(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    with ledger.write() as transaction:
        put_traits(
            transaction,
            ("ana", "tier", '"gold"'),
            ("ana", 'odd"name\n', "[1,2]"),
            ("ana", "gone", "null"),
            ("bea", "tier", '"blue"'),
        )
        found = store.claim(transaction, WORKER, NOON, 10)
    assert found.schema == CLAIMED
    (row,) = found.to_dicts()
    assert msgspec.json.decode(row["traits"]) == {"tier": "gold", 'odd"name\n': [1, 2]}
    assert row["entry"] == "{}"


def test_a_message_remembers_the_variant_that_its_person_is_in(ledger: Ledger) -> None:
    told = '{"content":"story","arm":"email+story"}'
    put(ledger, intents("m1").with_columns(pl.lit(told).alias("variant")))
    put(ledger, intents("m2"))
    with ledger.write() as transaction:
        found = store.claim(transaction, WORKER, NOON, 10)
    assert found.select("message_id", "variant").rows() == [("m1", told), ("m2", None)]
    assert shown(ledger, "m1")["variant"] == told


def test_nothing_due_is_nothing_claimed(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        assert store.claim(transaction, WORKER, NOON, 10).is_empty()
        assert store.next_due(transaction) is None


def test_the_next_message_due_is_known(ledger: Ledger) -> None:
    put(ledger, intents("later"), verdict="hold", until=NOON + HOUR)
    put(ledger, intents("no"), verdict="refuse", until=None)
    with ledger.read() as transaction:
        assert store.next_due(transaction) == NOON + HOUR


def test_a_message_that_was_sent_is_never_sent_again(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    claimed(ledger)
    outcome(
        ledger, message_id="m1", state="sent", sent_at=NOON, receipt="accepted", detail="250 ok"
    )
    put(ledger, intents("m1"))
    assert claimed(ledger, NOON + HOUR) == []
    found = shown(ledger, "m1")
    assert (found["state"], found["sent_at"], found["attempts"]) == ("sent", NOON, 1)
    assert found["receipts"] == [{"kind": "accepted", "occurred_at": NOON, "detail": "250 ok"}]


def test_a_deferred_message_comes_due_again(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    claimed(ledger)
    outcome(ledger, message_id="m1", state="queued", due_at=NOON + HOUR, receipt="deferred")
    assert claimed(ledger) == []
    assert claimed(ledger, NOON + HOUR) == ["m1"]
    assert shown(ledger, "m1")["attempts"] == 1


def test_a_bounce_suppresses_the_address_and_comes_back_as_an_event(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    claimed(ledger)
    with ledger.write() as transaction:
        transaction.run("INSERT INTO identifiers VALUES ('anonymous_id', 'phone', 'ana')")
    outcome(ledger, message_id="m1", state="failed", reason="suppressed", receipt="bounced")
    with ledger.read() as transaction:
        assert [row["addresses"] for row in store.suppressions(transaction)] == [1]
        (batch,) = events_store.waiting(transaction).to_dicts()
    (event,) = msgspec.json.decode(batch["body"])["batch"]
    assert batch["source"] == "courtesy"
    assert (event["event"], event["anonymousId"]) == ("Email Bounced", "phone")
    assert event["properties"]["message_id"] == "m1"


def returned(ledger: Ledger) -> list[list[dict[str, Any]]]:
    """The events of each batch that came back."""
    with ledger.read() as transaction:
        bodies = events_store.waiting(transaction)["body"].to_list()
    return [msgspec.json.decode(body)["batch"] for body in bodies]


def test_what_a_channel_took_comes_back_as_one_batch_of_events(ledger: Ledger) -> None:
    put(ledger, intents("m1", "m2", "m3", "m4"))
    claimed(ledger)
    ends = [
        ("m1", "sent", "accepted"),
        ("m2", "sent", "accepted"),
        ("m3", "failed", "bounced"),
        ("m4", "uncertain", "uncertain"),
    ]
    rows = [
        {"message_id": one, "state": state, "receipt": receipt, "tried": True, "channel": "email"}
        | {"address_hash": "h"}
        for one, state, receipt in ends
    ]
    with ledger.write() as transaction:
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'ana-1', 'ana')")
        transaction.run("""UPDATE messages SET variant = '{"arm":"a"}' WHERE message_id = 'm2'""")
        store.settle(transaction, WORKER, pl.DataFrame(rows, schema=OUTCOMES), NOON, COSTS)
    (events,) = returned(ledger)
    assert [event["event"] for event in events] == ["Email Sent", "Email Sent", "Email Bounced"]
    assert {event["userId"] for event in events} == {"ana-1"}
    assert events[0]["properties"] == {
        "message_id": "m1",
        "journey": "welcome",
        "step": "s",
        "template": "hello",
        "topic": "offers",
        "channel": "email",
        "cost": 0.0008,
    }
    assert events[1]["properties"]["variant"] == {"arm": "a"}


def test_a_send_comes_back_under_one_id_however_often_it_is_settled(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    with ledger.write() as transaction:
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'ana-1', 'ana')")
    claimed(ledger)
    for hours in (0, 1):
        outcome(ledger, NOON + hours * HOUR, message_id="m1", state="sent", receipt="accepted")
    ids = {event["messageId"] for batch in returned(ledger) for event in batch}
    assert len(ids) == 1


def test_an_uncertain_message_that_turns_out_sent_comes_back_once(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    claimed(ledger)
    with ledger.write() as transaction:
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'ana-1', 'ana')")
        assert outbox.doubt_claims(transaction, WORKER, NOON) == 1
    for _ in range(2):
        outcome(ledger, message_id="m1", state="sent", receipt="accepted")
    assert [len(batch) for batch in returned(ledger)] == [1]
    assert shown(ledger, "m1")["state"] == "sent"


def test_a_worker_settles_nothing_that_is_no_longer_its_own(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    claimed(ledger)
    with ledger.write() as transaction:
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'ana-1', 'ana')")
        assert outbox.release(transaction, "another") == 0
        assert outbox.release(transaction, WORKER) == 1
        assert store.claim(transaction, "another", NOON, 10).height == 1
    outcome(ledger, message_id="m1", state="sent", receipt="accepted")
    assert (shown(ledger, "m1")["state"], returned(ledger)) == ("sending", [])
    assert shown(ledger, "m1")["receipts"] == []


def test_only_what_is_at_a_channel_is_settled(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    outcome(ledger, message_id="m1", state="sent", sent_at=NOON)
    assert shown(ledger, "m1")["state"] == "queued"


def test_what_is_uncertain_is_repeated_by_hand_or_after_a_time(ledger: Ledger) -> None:
    put(ledger, intents("m1", "m2", "m3"))
    claimed(ledger)
    outcome(ledger, message_id="m3", state="sent", receipt="accepted", sent_at=NOON)
    with ledger.write() as transaction:
        assert outbox.doubt_claims(transaction, WORKER, NOON) == 2
        assert [one["message_id"] for one in outbox.uncertain(transaction)] == ["m1", "m2"]
        assert outbox.unanswered(transaction, NOON - HOUR, 8) == []
        assert outbox.unanswered(transaction, NOON, 0) == []
        assert outbox.unanswered(transaction, NOON, 8) == ["m1", "m2"]
        assert outbox.repeat(transaction, ["m1", "m3", "unknown"], NOON + HOUR) == 1
    assert claimed(ledger, NOON + HOUR) == ["m1"]
    assert shown(ledger, "m2")["state"] == "uncertain"


def facts_of(ledger: Ledger, policy: Policy, *, at_hand_off: bool = False) -> Facts:
    with ledger.read() as transaction:
        return store.facts(
            transaction, intents("new"), policy, SECRET, NOON, at_hand_off=at_hand_off
        )


def test_what_was_said_and_what_waits_counts_but_not_what_was_refused(
    ledger: Ledger, policy: Policy
) -> None:
    put(ledger, intents("sent", "failed"))
    claimed(ledger)
    outcome(ledger, message_id="sent", state="sent", sent_at=NOON - HOUR)
    outcome(ledger, message_id="failed", state="failed", reason="undeliverable")
    put(ledger, intents("queued", "new"))
    put(ledger, intents("held"), verdict="hold", until=NOON + HOUR)
    put(ledger, intents("refused"), verdict="refuse", until=None)
    put(ledger, intents("other", person="bea"))
    planned = facts_of(ledger, policy).spoken
    assert sorted(planned["message_id"]) == ["held", "queued", "sent"]
    assert facts_of(ledger, policy, at_hand_off=True).spoken["message_id"].to_list() == ["sent"]


def test_counts_say_what_happened_and_when_by_each_person_s_clock(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    put(ledger, intents("m2", person="kai"))
    put(ledger, intents("m3", person="bea"))
    put(ledger, intents("m4"), verdict="refuse", until=None)
    claimed(ledger)
    for one in ("m1", "m2", "m3"):
        outcome(ledger, message_id=one, state="sent", sent_at=NOON + timedelta(minutes=40))
    with ledger.write() as transaction:
        put_traits(transaction, ("ana", "timezone", '"Asia/Kolkata"'), ("kai", "timezone", '"x"'))
        assert store.count_by_state(transaction) == [
            {"name": "sent", "messages": 3},
            {"name": "refused", "messages": 1},
        ]
        assert store.count_by_reason(transaction) == [{"name": "quiet_hours", "messages": 1}]
        default = store.count_by_hour(transaction, "Asia/Tokyo")
        fixed = store.count_by_hour(transaction, "-03:30")
        without = store.count_by_hour(transaction, None)
    assert default.rows() == [("email", 18, 1), ("email", 21, 2)]
    assert fixed.rows() == [("email", 9, 2), ("email", 18, 1)]
    assert without.rows() == [("email", 12, 2), ("email", 18, 1)]


def test_nothing_sent_is_an_empty_count(ledger: Ledger) -> None:
    with ledger.read() as transaction:
        assert store.count_by_hour(transaction, None).rows() == []


def test_messages_go_with_a_person_who_is_merged(ledger: Ledger) -> None:
    put(ledger, intents("m1"))
    merges = pl.DataFrame({"person_id": ["ana"], "into_id": ["bea"]})
    with ledger.write() as transaction:
        store.merge(transaction, merges)
        store.merge(transaction, merges.clear())
        found = store.of_person(transaction, "bea")
    assert [row["message_id"] for row in found] == ["m1"]


def test_a_message_that_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="m9"):
        shown(ledger, "m9")
