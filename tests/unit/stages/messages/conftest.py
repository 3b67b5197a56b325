from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from courtesy.ground.definitions import check, read_yaml
from courtesy.stages.journeys import INTENTS
from courtesy.stages.messages.model import GRANTED, REACH, SPOKEN, ZONES, Facts
from courtesy.stages.messages.policy import Policy

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Main Street, Springfield
"""

MakePolicy = Callable[..., Policy]
MakeIntents = Callable[..., pl.DataFrame]
MakeFacts = Callable[..., Facts]


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def make_policy() -> MakePolicy:
    return lambda more="": check(Policy, read_yaml("policy.yaml", POLICY + more))


@pytest.fixture
def make_intents() -> MakeIntents:
    return _intents


@pytest.fixture
def make_facts() -> MakeFacts:
    return _facts


def _intents(*given: Mapping[str, Any]) -> pl.DataFrame:
    """Intents, each like an ordinary one but for what is given."""
    ordinary = {
        "enrollment_id": "e",
        "person_id": "ana",
        "journey": "welcome",
        "version": 1,
        "step": "s",
        "arm": "treated",
        "channels": ["email"],
        "topic": "offers",
        "template": "hello",
        "created_at": NOON,
        "expires_at": None,
        "priority": 0,
    }
    rows = [{"message_id": f"m{number}", **ordinary, **row} for number, row in enumerate(given)]
    return pl.DataFrame(rows, schema=INTENTS)


def _facts(
    people: Iterable[str] = ("ana",),
    *,
    suppressed: Iterable[str] = (),
    zones: Mapping[str, str] | None = None,
    granted: Iterable[tuple[str, str, str]] | None = None,
    spoken: Iterable[tuple[str, datetime]] = (),
) -> Facts:
    """Facts about people who can be reached by e-mail and allow offers there, but for the rest."""
    names = list(people)
    allowed = [(name, "offers", "email") for name in names] if granted is None else list(granted)
    known = dict.fromkeys(names, "UTC") if zones is None else zones
    said = [(f"old{n}", name, "email", "offers", "sent", at) for n, (name, at) in enumerate(spoken)]
    reach = [(n, "email", f"{n}@x.example", f"hash-{n}", n in set(suppressed)) for n in names]
    return Facts(
        pl.DataFrame(reach, schema=REACH, orient="row"),
        pl.DataFrame(list(known.items()), schema=ZONES, orient="row"),
        pl.DataFrame(allowed, schema=GRANTED, orient="row"),
        pl.DataFrame(said, schema=SPOKEN, orient="row"),
    )
