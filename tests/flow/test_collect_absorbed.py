"""Whatever the API accepts can be absorbed: no event may block those behind it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events import Accepted, collect, store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
ANY = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.text(), SCALAR, max_size=3)
ID = st.sampled_from(["u1", "u2", "a1", " ", "\ud800", "x" * 500, 7, -0.5]) | st.text(min_size=1)
MOMENT = st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-03-01T11:00:00"]
) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
CONSENT = st.fixed_dictionaries(
    {},
    optional={
        "topic": st.just("offers") | ANY,
        "channel": st.just("email") | ANY,
        "granted": st.booleans() | ANY,
        "source": st.just("form") | ANY,
        "occurred_at": MOMENT | ANY,
    },
)
TRAITS = st.dictionaries(
    st.sampled_from(["email", "phone", "timezone", "locale", "first_name", ""]) | st.text(), ANY
)
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "consents": st.lists(CONSENT, max_size=3) | ANY,
        "traits": TRAITS | ANY,
        "timezone": st.just("Europe/Berlin") | ANY,
        "locale": ANY,
        "device": ANY,
    },
)
NAMES = ["Consent Granted", "Consent Withdrawn", "Unsubscribed", "Email Opened", "Email Bounced"]
CALL = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["identify", "track", "page", "screen", "group", "alias"]),
        "event": st.sampled_from(NAMES) | st.text(min_size=1),
        "userId": ID,
        "previousId": ID,
        "groupId": ID,
    },
    optional={
        "anonymousId": ID,
        "messageId": ID,
        "timestamp": MOMENT,
        "properties": CONSENT | st.dictionaries(st.text(), ANY, max_size=3),
        "traits": TRAITS,
        "context": CONTEXT,
        "name": ANY,
    },
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    opened = open_app(home, clock=VirtualClock(NOW))
    yield opened
    opened.close()


@settings(max_examples=100, deadline=None)
@given(calls=st.lists(CALL, min_size=1, max_size=20), sent_at=st.none() | MOMENT)
def test_whatever_is_accepted_can_be_absorbed(
    app: App, calls: list[dict[str, Any]], sent_at: object
) -> None:
    try:
        collected = collect(json.dumps({"batch": calls, "sentAt": sent_at}).encode(), "batch")
    except CallError as refusal:
        assert any(why in refusal.detail for why in ("NUL", "out of range", "no id"))  # noqa: PT017
        return
    with app.ledger.write() as transaction:
        store.accept(transaction, [Accepted("shop", NOW, collected)])
    try:
        taken = absorb(app)
    finally:
        with app.ledger.write() as transaction:
            store.done(transaction, upto=2**62)
    assert taken.added + taken.duplicates == collected.count
