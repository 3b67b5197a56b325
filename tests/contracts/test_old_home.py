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
