"""A ledger of the first published tables comes to the newest with nothing lost."""

from datetime import UTC, datetime

import polars as pl

from courtesy.ground.definitions import store as definitions_store
from courtesy.ground.ledger import Ledger
from courtesy.ground.ledger.connection import MIGRATIONS
from courtesy.ground.ledger.migrate import upgrade
from courtesy.stages.profiles import store as profiles_store

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def test_consents_and_definitions_of_before_are_read_as_ever(url: str) -> None:
    ledger = Ledger(url)
    with ledger.write() as transaction:
        upgrade(transaction.connection, MIGRATIONS, url, "0003")
        transaction.run("INSERT INTO people VALUES ('ann', 0)")
        for topic, at, granted in (("Offers", 1, 1), ("offers", 1, 1), ("News", 1, 1)):
            transaction.run(
                "INSERT INTO consents VALUES ('ann', :topic, 'Email', :at, 'm', :granted, 'form')",
                topic=topic,
                at=at,
                granted=granted,
            )
        transaction.run("INSERT INTO consents VALUES ('ann', 'NEWS', '*', 2, 'n', 0, 'link')")
        for version, at, active in ((1, 5, 0), (2, 9, 1)):
            transaction.run(
                "INSERT INTO definitions VALUES"
                " ('template', 'hello.html', :version, 'text', 'hash', :active, :at)",
                version=version,
                at=at,
                active=active,
            )
    ledger.migrate()
    with ledger.read() as transaction:
        allowed = profiles_store.allowed(transaction, NOW, pl.DataFrame({"person_id": ["ann"]}))
        versions = definitions_store.every(transaction, "template")
        next_release = definitions_store.next_release(transaction)
    ledger.close()
    assert allowed.rows() == [("ann", "offers", "email")]
    assert [(one.release, one.retired) for one in versions] == [(1, 2), (2, None)]
    assert next_release == 3


def test_the_last_policy_holds_again_where_people_were_left_without_one(url: str) -> None:
    """Before, a folder without a policy took it away under those who were inside."""
    ledger = Ledger(url)
    with ledger.write() as transaction:
        upgrade(transaction.connection, MIGRATIONS, url, "0007")
        for version in (1, 2):
            transaction.run(
                "INSERT INTO definitions VALUES"
                " ('policy', 'policy', :version, 'text', 'hash', 0, :version)",
                version=version,
            )
        transaction.run(
            "INSERT INTO enrollments (enrollment_id, journey, version, person_id, pass_number, arm,"
            " step, state, entry, entered_at, due_at)"
            " VALUES ('e', 'welcome', 1, 'ann', 1, 'treated', 'end', 'active', '{}', 1, 1)"
        )
    ledger.migrate()
    with ledger.read() as transaction:
        active = [(one.kind, one.version) for one in definitions_store.active(transaction)]
    ledger.close()
    assert active == [("policy", 2)]
