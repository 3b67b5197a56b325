"""Nobody is written to against their no: exports, cached grants, shared mailboxes, merges."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.cli.events import events_of
from courtesy.doors.cli.imports import import_file
from courtesy.flow import absorb, tick
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import store as events_store
from courtesy.stages.events.mapping import PersonMapping
from courtesy.stages.messages import Links
from courtesy.stages.messages import store as messages_store
from courtesy.stages.profiles import store as profiles_store

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = ("wk", "")


@dataclass
class Brand:
    """A home with the field's workspace, its API and its clock."""

    app: App
    client: TestClient
    clock: VirtualClock

    def track(self, user: str, event: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        call = {"userId": user, "event": event, "messageId": f"{event}{user}{self.clock.now()}"}
        answer = self.client.post("/v1/track", content=json.dumps(call | more), auth=KEY)
        assert answer.status_code == 200
        self.act()

    def identify(self, user: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        call = {"userId": user, "messageId": f"i{user}{self.clock.now()}"}
        self.client.post("/v1/identify", content=json.dumps(call | more), auth=KEY)
        self.act()

    def act(self) -> None:
        absorb(self.app)
        tick(self.app)

    def messages(self, user: str) -> list[tuple[str, str | None]]:
        with self.app.ledger.read() as transaction:
            person = profiles_store.find(transaction, user)
            rows = messages_store.of_person(transaction, person)
        return [(row["state"], row["reason"]) for row in rows]

    def unsubscribe(self, user: str) -> None:
        with self.app.ledger.read() as transaction:
            person = profiles_store.find(transaction, user)
            message = messages_store.of_person(transaction, person)[0]["message_id"]
        link = Links(self.app.secret, "").unsubscribe(message)
        assert self.client.post(link).status_code == 200
        self.act()

    def next_day(self) -> None:
        self.clock.move(self.clock.now() + DAY)


@pytest.fixture
def brand(tmp_path: Path) -> Iterator[Callable[[Path], Brand]]:
    opened: list[App] = []

    def make(folder: Path) -> Brand:
        clock = VirtualClock(MONDAY)
        make_home(tmp_path / "home")
        app = open_app(tmp_path / "home", clock=clock)
        opened.append(app)
        with app.ledger.write() as transaction:
            events_store.add_source(transaction, "shop", KEY[0], MONDAY)
            workspace.apply(transaction, folder, MONDAY)
        return Brand(app, TestClient(create_api(app)), clock)

    yield make
    for app in opened:
        app.close()


Make = Callable[[Path], Brand]
Field = Callable[[str], Path]


def test_a_weekly_export_does_not_undo_what_a_reader_said(brand: Make, field: Field) -> None:
    folder = field("consent")
    shop = brand(folder / "ws")
    import_file(shop.app, folder / "monday.csv", PersonMapping, folder / "map.yaml")
    shop.track("k1", "Signed Up")
    assert shop.messages("k1") == [("queued", None)]
    shop.unsubscribe("k1")
    shop.clock.move(MONDAY + 7 * DAY)
    again = import_file(shop.app, folder / "next-monday.csv", PersonMapping, folder / "map.yaml")
    assert (again.accepted, again.grants_without_effect) == (1, 1)
    shop.track("k1", "Cart Left")
    assert shop.messages("k1")[1:] == [("refused", "no_consent")]
    with shop.app.ledger.read() as transaction:
        consents = profiles_store.person(transaction, "k1", shop.clock.now())["consents"]
    assert [one["counts"] for one in consents if one["granted"]] == [False, False]


@pytest.fixture
def shop(brand: Make, field: Field) -> Brand:
    made = brand(field("consent") / "ws")
    made.identify("k1", traits={"email": "ana@customers.example"}, context=cached())
    made.track("k1", "Signed Up")
    assert made.messages("k1") == [("queued", None)]
    made.next_day()
    return made


def cached(**more: object) -> dict[str, object]:
    return {"consents": [{"topic": "offers", "channel": "email", "granted": True, **more}]}


def test_a_cached_grant_does_not_undo_a_withdrawal(shop: Brand) -> None:
    shop.unsubscribe("k1")
    shop.next_day()
    shop.identify("k1", context=cached())
    shop.track("k1", "Cart Left", context=cached(occurred_at="2026-03-02T09:00:00Z"))
    assert shop.messages("k1")[1:] == [("refused", "no_consent")]


def test_new_evidence_does_and_a_second_no_of_the_same_letter_counts_again(shop: Brand) -> None:
    shop.unsubscribe("k1")
    shop.next_day()
    shop.track("k1", "Consent Granted", properties={"topic": "offers", "channel": "email"})
    shop.track("k1", "Cart Left")
    assert shop.messages("k1")[1:] == [("queued", None)]
    shop.next_day()
    shop.unsubscribe("k1")
    shop.next_day()
    shop.track("k1", "Cart Left")
    assert shop.messages("k1")[2:] == [("refused", "no_consent")]


def test_one_mailbox_in_two_records_gets_one_letter(brand: Make, field: Field) -> None:
    shop = brand(field("addresses") / "ws")
    import_file(shop.app, field("addresses") / "people.jsonl", PersonMapping)
    shop.track("shop-17", "Signed Up")
    shop.track("app-903", "Signed Up")
    assert shop.messages("shop-17") == [("queued", None)]
    assert shop.messages("app-903") == [("refused", "duplicate_address")]


def test_a_no_holds_for_the_mailbox_whatever_record_it_is_in(brand: Make, field: Field) -> None:
    shop = brand(field("addresses") / "ws")
    import_file(shop.app, field("addresses") / "people.jsonl", PersonMapping)
    shop.track("shop-17", "Signed Up")
    shop.next_day()
    shop.unsubscribe("shop-17")
    shop.next_day()
    shop.track("app-903", "Cart Left")
    assert shop.messages("app-903") == [("refused", "no_consent")]
    shop.track("app-903", "Consent Granted", properties={"topic": "offers", "channel": "email"})
    shop.next_day()
    shop.track("app-903", "Cart Left")
    assert shop.messages("app-903")[-1] == ("queued", None)


def test_what_somebody_did_before_a_merge_is_listed_whatever_they_are_called(
    brand: Make, field: Field
) -> None:
    shop = brand(field("consent") / "ws")
    for call in (
        {"type": "track", "anonymousId": "visitor", "event": "Product Viewed", "messageId": "v"},
        {"type": "identify", "anonymousId": "visitor", "userId": "k1", "messageId": "i"},
        {"type": "track", "userId": "k1", "event": "Order Completed", "messageId": "o"},
        {"type": "track", "userId": "k0", "event": "App Opened", "messageId": "a"},
        {"type": "alias", "previousId": "k0", "userId": "k1", "messageId": "m"},
    ):
        shop.client.post("/v1/batch", content=json.dumps({"batch": [call]}), auth=KEY)
        shop.act()
    did = {"Product Viewed", "Order Completed", "App Opened"}
    for name in ("visitor", "k0", "k1"):
        assert did <= {row["event"] for row in events_of(shop.app, name, 50)}


@pytest.mark.parametrize("first", ["withdrew", "granted"])
def test_a_merge_never_writes_to_the_address_that_withdrew(
    brand: Make, field: Field, first: str
) -> None:
    shop = brand(field("consent") / "ws")
    no = {"topic": "offers", "channel": "email"}
    shop.identify("old", traits={"email": "ana@customers.example"})
    steps = {
        "withdrew": lambda: shop.track("old", "Consent Withdrawn", properties=no),
        "granted": lambda: shop.identify(
            "new",
            traits={"email": "work@customers.example"},
            context=cached(occurred_at=shop.clock.now().isoformat()),
        ),
    }
    for name in (first, *(steps.keys() - {first})):
        steps[name]()
        shop.next_day()
    call = {"previousId": "new", "userId": "old", "messageId": "merge"}
    shop.client.post("/v1/alias", content=json.dumps(call), auth=KEY)
    shop.identify("old", traits={"email": "ana@customers.example"})
    shop.track("old", "Cart Left")
    assert shop.messages("old") == [("refused", "no_consent")]
