"""Consents of people are looked at before anybody relies on them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from courtesy.stages.events.calls import Fault
from courtesy.stages.events.consents import fault_of_consents

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GRANT = {"topic": "offers", "channel": "email", "granted": True}


def fault(consents: object) -> Fault | None:
    return fault_of_consents(json.dumps({"context": {"consents": consents}}).encode(), NOW)


@pytest.mark.parametrize(
    "consents",
    [
        None,
        [],
        [GRANT],
        [{**GRANT, "source": "form", "occurred_at": "2026-01-02"}],
        [{**GRANT, "source": None, "occurred_at": None, "note": 1}],
        [{"granted": False}],
        [{"granted": False, "topic": "*", "channel": "email"}],
    ],
)
def test_consents_that_can_be_used(consents: object) -> None:
    assert fault(consents) is None


@pytest.mark.parametrize("call", [{}, {"context": None}, {"context": {}}])
def test_there_may_be_none(call: dict[str, Any]) -> None:
    assert fault_of_consents(json.dumps(call).encode(), NOW) is None


@pytest.mark.parametrize(
    ("consents", "place", "reason"),
    [
        ({}, "", "should be a list or null; found an object"),
        (["offers"], "[0]", "should be an object; found text"),
        ([{"topic": "offers", "channel": "email"}], "[0].granted", "is required"),
        ([{**GRANT, "granted": "yes"}], "[0].granted", "should be true or false; found text"),
        ([GRANT, {**GRANT, "topic": None}], "[1].topic", "should be text; found null"),
        ([{**GRANT, "topic": "*"}], "[0].topic", "should name one topic; found '*'"),
        ([{**GRANT, "channel": ""}], "[0].channel", "should name one channel; found ''"),
        ([{"topic": "a", "granted": True}], "[0].channel", "is required where granted is true"),
        (
            [{**GRANT, "occurred_at": "soon"}],
            "[0].occurred_at",
            "should be an ISO 8601 time; found 'soon'",
        ),
        (
            [{**GRANT, "occurred_at": "2027-01-01"}],
            "[0].occurred_at",
            "lies in the future or before 1970; found '2027-01-01'",
        ),
    ],
)
def test_consents_that_cannot(consents: object, place: str, reason: str) -> None:
    assert fault(consents) == Fault(f"context.consents{place}", reason)
