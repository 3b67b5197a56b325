"""What the gate must know of people, as the ledger tells it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from courtesy.ground.ledger import Ledger, Transaction
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.messages import store
from courtesy.stages.messages.facts import address_hash
from courtesy.stages.messages.model import Facts
from courtesy.stages.messages.policy import Policy
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.model import CONSENTS, TRAITS

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECRET = b"s" * 32
HOUR = timedelta(hours=1)

Ask = Callable[[], Facts]


@pytest.fixture
def ask(
    ledger: Ledger, make_policy: Callable[..., Policy], make_intents: Callable[..., pl.DataFrame]
) -> Ask:
    """What the gate is told of somebody to whom something should be said."""

    def asked() -> Facts:
        with ledger.read() as transaction:
            return store.facts(transaction, make_intents({}), make_policy(), SECRET, NOON)

    return asked


def put_traits(transaction: Transaction, *rows: tuple[str, str, str]) -> None:
    traits = [(*row, NOON) for row in rows]
    profiles_store.put_traits(transaction, pl.DataFrame(traits, schema=TRAITS, orient="row"))


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ('"ana@x.example"', "ana@x.example"),
        ('" ana@X.Example "', "ana@x.example"),
        ('"ana@bücher.example"', "ana@xn--bcher-kva.example"),
        ('"änä@x.example"', None),
        ('"ana"', None),
        ('"ana@x.example, eve@y.example"', None),
        ('"ana@x.example\\nBcc: eve@y.example"', None),
        ("3", None),
        ("null", None),
    ],
)
def test_who_can_be_reached(ledger: Ledger, ask: Ask, value: str, address: str | None) -> None:
    with ledger.write() as transaction:
        put_traits(transaction, ("ana", "email", value))
    expected = [] if address is None else [("ana", "email", address, False)]
    found = ask().reach
    assert found.select("person_id", "channel", "address", "suppressed").rows() == expected


@pytest.mark.parametrize(
    ("value", "zones"),
    [
        ('"Europe/Paris"', [("ana", "Europe/Paris")]),
        ('"W. Europe Standard Time"', [("ana", "Europe/Berlin")]),
        ('"+05:30"', [("ana", "+05:30")]),
        ("3", [("ana", "+03:00")]),
        ("333", []),
        ('"Mars/Base"', []),
        ('"../x"', []),
        ('{"zone": 1}', []),
    ],
)
def test_which_zones_are_known(ledger: Ledger, ask: Ask, value: str, zones: list[Any]) -> None:
    with ledger.write() as transaction:
        put_traits(transaction, ("ana", "timezone", value))
    assert ask().zones.rows() == zones


def test_suppression_knows_an_address_in_any_spelling_and_keeps_none(
    ledger: Ledger, ask: Ask
) -> None:
    with ledger.write() as transaction:
        put_traits(transaction, ("ana", "email", '"Ana@X.example"'))
        store.suppress(transaction, SECRET, " ana@x.EXAMPLE", "asked", NOON)
        store.suppress(transaction, SECRET, "ana@x.example", "again", NOON)
        kept = transaction.rows("SELECT * FROM suppressions")
    assert ask().reach["suppressed"].to_list() == [True]
    assert [row["reason"] for row in kept] == ["asked"]
    assert "ana" not in str(kept)
    assert address_hash(b"o" * 32, "email", "ana@x.example") != kept[0]["address_hash"]


def test_only_an_address_can_be_suppressed(ledger: Ledger) -> None:
    with ledger.write() as transaction, pytest.raises(InputError, match="nonsense"):
        store.suppress(transaction, SECRET, "nonsense", "asked", NOON)


Declared = tuple[str, str, int, str, bool]


@pytest.mark.parametrize(
    ("declared", "granted"),
    [
        ([], False),
        ([("offers", "email", -2, "a", True)], True),
        ([("offers", "email", 1, "a", True)], False),
        ([("offers", "email", -2, "a", True), ("offers", "email", -1, "b", False)], False),
        ([("offers", "email", -2, "a", False), ("offers", "email", -1, "b", True)], True),
        ([("offers", "email", -1, "b", True), ("offers", "email", -1, "a", False)], False),
        ([("offers", "email", -1, "a", True), ("offers", "email", -1, "b", False)], False),
        ([("offers", "email", -2, "a", True), ("*", "*", -1, "b", False)], False),
        ([("offers", "email", -2, "a", True), ("*", "email", -1, "b", False)], False),
        ([("offers", "email", -2, "a", True), ("offers", "*", -1, "b", False)], False),
        ([("offers", "email", -2, "a", True), ("*", "sms", -1, "b", False)], True),
        ([("offers", "email", -2, "a", True), ("news", "*", -1, "b", False)], True),
        ([("*", "*", -2, "a", False), ("offers", "email", -1, "b", True)], True),
        ([("offers", "email", -2, "a", True), ("offers", "email", 1, "b", False)], True),
        ([("offers", "sms", -2, "a", True)], False),
    ],
)
def test_the_newest_word_on_consent_counts(
    ledger: Ledger, ask: Ask, declared: Sequence[Declared], *, granted: bool
) -> None:
    rows = [
        ("ana", topic, channel, NOON + at * HOUR, message_id, said, "form", True, None)
        for topic, channel, at, message_id, said in declared
    ]
    with ledger.write() as transaction:
        profiles_store.put_consents(transaction, pl.DataFrame(rows, schema=CONSENTS, orient="row"))
    found = ask().granted
    assert (("ana", "offers", "email") in found.rows()) is granted
