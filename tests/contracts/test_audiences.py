"""Audiences on both ledgers: what the stage's queries find and keep is the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from courtesy.ground.definitions import read_yaml
from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.ledger import Ledger, Transaction
from courtesy.stages.audiences import check, explain, refresh, store

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FILES = {
    "gold": "{trait: tier, is: gold}",
    "asked": "{consented: {topic: news, channel: email}}",
    "vip": "{all: [{in: gold}, {in: asked}, {reachable: email}, {not: {did: Order Completed}}]}",
}
PEOPLE = {
    "ann": ("gold", "a@b.example", 1),
    "bob": ("gold", "b.example", 1),
    "cid": ("gold", "c@b.example", 0),
    "dan": ("basic", "d@b.example", 1),
}


def fill(transaction: Transaction) -> None:
    for person, (tier, email, granted) in PEOPLE.items():
        transaction.run("INSERT INTO people VALUES (:person, 0)", person=person)
        transaction.run(
            "INSERT INTO merges VALUES (:old, :person, 0)", old=f"{person}0", person=person
        )
        for name, value in (("tier", tier), ("email", email)):
            transaction.run(
                "INSERT INTO traits VALUES (:person, :name, :value, 0)",
                person=person,
                name=name,
                value=f'"{value}"',
            )
        for number, (topic, at, yes) in enumerate(
            [("*", NOON - timedelta(days=2), 0), ("news", NOON - timedelta(days=1), granted)]
        ):
            transaction.run(
                "INSERT INTO consents"
                " VALUES (:person, :topic, 'email', :at, :id, :granted, 'x', 1)",
                person=person,
                topic=topic,
                at=at,
                id=f"m{number}",
                granted=yes,
            )


def test_members_come_go_and_are_explained(ledger: Ledger, tmp_path: Path) -> None:
    engine = DuckDBEngine(Lake(tmp_path / "lake"), threads=1)
    texts = {name: f"audience: {name}\nwhen: {when}\n" for name, when in FILES.items()}
    found = check([read_yaml(f"audiences/{name}.yaml", text) for name, text in texts.items()])
    with ledger.write() as transaction:
        fill(transaction)
        refresh(transaction, engine, found, NOON)
    with ledger.write() as transaction:
        assert store.counts(transaction) == {"gold": 3, "asked": 3, "vip": 1}
        assert explain(transaction, engine, found["vip"], "ann", NOON).member_since == NOON
        told = explain(transaction, engine, found["vip"], "bob", NOON)
        assert [row["holds"] for row in told.leaves.to_dicts()] == [True, True, False, False]
        transaction.run("UPDATE traits SET value = 'null' WHERE person_id = 'ann'")
        changes = refresh(transaction, engine, found, NOON + timedelta(days=1))
        assert changes["vip"].left["person_id"].to_list() == ["ann"]
    with ledger.read() as transaction:
        assert store.counts(transaction) == {"gold": 2, "asked": 3}
