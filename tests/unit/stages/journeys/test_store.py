"""Enrollments in the ledger, with the arms that people have in tests."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.ledger import Ledger
from courtesy.stages.journeys import (
    ARMS,
    CANDIDATES,
    ENROLLMENTS,
    Journey,
    Known,
    advance,
    check,
    enter,
    store,
)
from courtesy.stages.journeys.model import STANDING

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = """
journey: welcome
topic: offers
entry: {event: Signed Up}
steps:
  - wait: 1h
  - test: {name: incentive, arms: {plain: 1, free: 1}}
  - wait: 1d
"""


@pytest.fixture
def journey() -> Journey:
    known = Known(frozenset(), frozenset(), frozenset({"email"}))
    return check(read_yaml("welcome.yaml", TEXT), known)


def entered(journey: Journey) -> pl.DataFrame:
    invited = pl.DataFrame([("ana", "{}", NOW, None)], schema=CANDIDATES, orient="row")
    return enter(invited, pl.DataFrame(schema=STANDING), journey, 1, NOW)


def test_the_arms_of_tests_are_kept(ledger: Ledger, journey: Journey) -> None:
    journeys = {("welcome", 1): journey}
    with ledger.write() as transaction:
        store.put(transaction, entered(journey))
    for number in range(2):
        now = NOW + number * timedelta(hours=1)
        with ledger.write() as transaction:
            due = store.due(transaction, now, 10)
            assert (due.schema, due["tests"].to_list()) == (ENROLLMENTS, [None])
            rows = [(due["enrollment_id"][0], "incentive", "free", True)]
            arms = pl.DataFrame(rows, schema=ARMS, orient="row")
            facts = due.select(pl.col("enrollment_id").alias("subject_id"))
            store.put_moves(transaction, advance(due, journeys, facts, now, arms))
    pairs = pl.DataFrame({"person_id": ["ana"], "journey": ["welcome"]})
    with ledger.write() as transaction:
        for kept in (
            store.due(transaction, NOW + timedelta(days=2), 10),
            store.active_of(transaction, pairs),
        ):
            assert kept.schema == ENROLLMENTS
            assert kept["tests"].to_list() == ['{"incentive":"free"}']
        passages = store.of_person(transaction, "ana")["passages"]
    assert [passage["outcome"] for passage in passages] == ["waited", "arm free", "waited"]
