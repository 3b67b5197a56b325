import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from courtesy.stages.messages.channels import Record
from courtesy.stages.messages.deliver import (
    hand_over,
    outcomes,
    prepare,
    recovered_outcomes,
)
from courtesy.stages.messages.journal import HandOver, Journal
from courtesy.stages.messages.links import Links
from courtesy.stages.messages.model import (
    CLAIMED,
    OUTCOMES,
    Delivery,
    Facts,
    Letter,
    Receipt,
    ReceiptKind,
)
from courtesy.stages.messages.policy import Policy, Sender
from courtesy.stages.messages.template import Template, check_template

LINKS = Links(b"k" * 32, "https://b.example")
MakePolicy = Callable[..., Policy]
MakeFacts = Callable[..., Facts]


@pytest.fixture
def templates() -> dict[str, Template]:
    body = "{{ 6 | divided_by: n }} {{ unsubscribe_url }} {{ postal_address }}"
    text = f"---\nsubject: Hi {{{{ first_name }}}}\n---\n<p>{body}</p>"
    return {"hello": check_template("hello", "templates/hello.html", text, None)}


def claimed(now: datetime, *given: dict[str, Any]) -> pl.DataFrame:
    ordinary = {
        "enrollment_id": "e",
        "person_id": "ana",
        "journey": "welcome",
        "version": 1,
        "step": "s",
        "arm": "treated",
        "topic": "offers",
        "template": "hello",
        "created_at": now,
        "expires_at": None,
        "priority": 0,
        "channel": "email",
        "attempts": 0,
        "entry": "{}",
        "traits": '{"first_name":"Ana","n":2}',
    }
    rows = [{"message_id": f"m{number}", **ordinary, **row} for number, row in enumerate(given)]
    return pl.DataFrame(rows, schema=CLAIMED)


def by_name(templates: dict[str, Template]) -> Callable[[str, int, str], Template | None]:
    return lambda _journey, _version, name: templates.get(name)


def test_what_may_go_is_written(
    make_policy: MakePolicy, make_facts: MakeFacts, templates: dict[str, Template], noon: datetime
) -> None:
    found = prepare(claimed(noon, {}), make_facts(), by_name(templates), make_policy(), LINKS, noon)
    (letter,) = found.letters
    assert (letter.address, letter.address_hash) == ("ana@x.example", "hash-ana")
    assert (letter.subject, letter.written_at) == ("Hi Ana", noon)
    assert found.kept_back.schema == OUTCOMES
    assert found.kept_back.is_empty()


def test_the_gate_is_asked_again_at_hand_off(
    make_policy: MakePolicy, make_facts: MakeFacts, templates: dict[str, Template], noon: datetime
) -> None:
    batch = claimed(noon, {}, {"person_id": "bea"}, {"person_id": "kai"}, {"expires_at": noon})
    facts = make_facts(
        ["ana", "bea", "kai"],
        suppressed=["bea"],
        zones={"ana": "UTC", "bea": "UTC", "kai": "Asia/Tokyo"},
    )
    policy = make_policy('quiet_hours: {from: "21:00", to: "08:00"}\n')
    found = prepare(batch, facts, by_name(templates), policy, LINKS, noon)
    assert [letter.message_id for letter in found.letters] == ["m0"]
    rows = found.kept_back.sort("message_id").select(
        "message_id", "state", "reason", "due_at", "tried"
    )
    assert rows.rows() == [
        ("m1", "refused", "suppressed", None, False),
        ("m2", "held", "quiet_hours", noon + timedelta(hours=11), False),
        ("m3", "refused", "expired", None, False),
    ]


def test_one_message_that_cannot_be_written_does_not_hinder_the_others(
    make_policy: MakePolicy, make_facts: MakeFacts, templates: dict[str, Template], noon: datetime
) -> None:
    batch = claimed(noon, {"traits": '{"n":0}'}, {"template": "gone"}, {})
    found = prepare(batch, make_facts(), by_name(templates), make_policy(), LINKS, noon)
    assert [letter.message_id for letter in found.letters] == ["m2"]
    rows = found.kept_back.select("message_id", "state", "reason").rows()
    assert rows == [(one, "refused", "invalid_content") for one in ("m0", "m1")]
    details = found.kept_back["detail"].to_list()
    assert "divi" in details[0]
    assert details[1] == "There is no template gone."


def test_nothing_claimed_is_nothing_prepared(
    make_policy: MakePolicy, make_facts: MakeFacts, templates: dict[str, Template], noon: datetime
) -> None:
    found = prepare(claimed(noon), make_facts([]), by_name(templates), make_policy(), LINKS, noon)
    assert (list(found.letters), found.kept_back.height) == ([], 0)


def letter(
    noon: datetime, message_id: str = "m0", attempts: int = 0, channel: str = "email"
) -> Letter:
    return Letter(
        message_id=message_id,
        channel=channel,
        address="ana@x.example",
        address_hash="hash-ana",
        attempts=attempts,
        sender=Sender(name="Brand", address="hello@brand.example"),
        subject="Hi",
        html="",
        text="",
        unsubscribe_url="",
        written_at=noon,
    )


@pytest.mark.parametrize(
    ("kind", "state", "reason", "sent"),
    [
        ("accepted", "sent", None, True),
        ("uncertain", "uncertain", None, True),
        ("bounced", "failed", "suppressed", False),
        ("rejected", "failed", "undeliverable", False),
        ("deferred", "queued", None, False),
    ],
)
def test_what_a_receipt_makes_of_a_message(
    noon: datetime, kind: str, state: str, reason: str | None, *, sent: bool
) -> None:
    receipt = Receipt("m0", ReceiptKind(kind), "said")
    (row,) = outcomes([letter(noon)], [receipt], noon).to_dicts()
    assert (row["state"], row["reason"], row["receipt"]) == (state, reason, kind)
    assert (row["detail"], row["tried"]) == ("said", True)
    assert row["sent_at"] == (noon if sent else None)
    assert (row["channel"], row["address_hash"]) == ("email", "hash-ana")


def test_the_pauses_grow_and_end(noon: datetime) -> None:
    receipt = Receipt("m0", ReceiptKind.DEFERRED, "later")
    rows = [
        outcomes([letter(noon, attempts=attempts)], [receipt], noon).row(0, named=True)
        for attempts in range(8)
    ]
    pauses = [(row["due_at"] - noon) / timedelta(minutes=1) for row in rows[:-1]]
    expected = [1, 4, 16, 64, 256, 1024, 1440]
    assert all(0.8 * want <= got <= 1.2 * want for got, want in zip(pauses, expected, strict=True))
    assert (rows[-1]["state"], rows[-1]["reason"]) == ("failed", "undeliverable")


def test_the_pauses_of_many_do_not_end_at_once_and_are_always_the_same(noon: datetime) -> None:
    letters = [letter(noon, f"m{number}") for number in range(50)]
    receipts = [Receipt(one.message_id, ReceiptKind.DEFERRED, "later") for one in letters]
    first = outcomes(letters, receipts, noon)
    assert first["due_at"].n_unique() == 50
    assert first.equals(outcomes(letters, receipts, noon))


class Recorder:
    def __init__(self) -> None:
        self.got: list[str] = []

    async def deliver(self, letters: Sequence[Letter], record: Record) -> Delivery:
        self.got += [one.message_id for one in letters]
        for one in letters:
            await record.record(one)
        return Delivery([Receipt(one.message_id, ReceiptKind.ACCEPTED, "") for one in letters])

    async def close(self) -> None:
        self.got.clear()


def test_each_letter_goes_to_its_channel(noon: datetime, journal: Journal) -> None:
    email, push = Recorder(), Recorder()
    letters = [letter(noon, "a"), letter(noon, "b", channel="push"), letter(noon, "c")]
    deliveries = asyncio.run(hand_over(letters, {"email": email, "push": push}, journal))
    assert (email.got, push.got) == (["a", "c"], ["b"])
    assert [one.message_id for one in deliveries["email"].receipts] == ["a", "c"]
    assert [one.message_id for one in deliveries["push"].receipts] == ["b"]


def test_what_was_recorded_by_a_worker_that_died(noon: datetime) -> None:
    found = recovered_outcomes(
        [
            HandOver("m0", "email", "h", 2),
            HandOver("m1", "email", "h", 0, ReceiptKind.ACCEPTED, "250 taken"),
            HandOver("m2", "email", "h", 7, ReceiptKind.DEFERRED, "451 later"),
        ],
        noon,
    )
    assert found.select("message_id", "state", "reason", "receipt").rows() == [
        ("m0", "uncertain", None, "uncertain"),
        ("m1", "sent", None, "accepted"),
        ("m2", "failed", "undeliverable", "deferred"),
    ]
