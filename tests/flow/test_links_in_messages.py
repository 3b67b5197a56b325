"""What receivers do with a message over HTTP, down to the events in the inbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from courtesy.app import App, Settings, make_home, open_app
from courtesy.doors.api.intake import Intake
from courtesy.doors.api.messages import router
from courtesy.flow import absorb
from courtesy.ground.definitions import store as definitions
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import EVENTS
from courtesy.stages.events import store as events_store
from courtesy.stages.messages import INTENTS, VERDICTS, Links, store

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MESSAGE = "ab" * 16
SECONDS = timedelta(seconds=1)
SETTINGS = Settings(public_url="http://127.0.0.1:8000")
POLICY = "sender: {name: 'Tea & Co', address: hello@tea.example}\npostal_address: 1 Main Street\n"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def app(tmp_path: Path, clock: VirtualClock) -> Iterator[App]:
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home", clock=clock, settings=SETTINGS)
    with opened.ledger.write() as transaction:
        definitions.put(transaction, "policy", "policy", POLICY, NOON)
        transaction.run("INSERT INTO identifiers VALUES ('user_id', 'ana-1', 'ana')")
        intent = (
            MESSAGE,
            "e",
            "ana",
            "welcome",
            1,
            "s",
            "treated",
            ["email"],
            "tea <offers>",
            "hello",
            NOON,
            None,
            0,
            None,
        )
        verdict = (MESSAGE, "send", "email", None, NOON, None)
        store.queue(
            transaction,
            pl.DataFrame([intent], schema=INTENTS, orient="row"),
            pl.DataFrame([verdict], schema=VERDICTS, orient="row"),
            NOON,
        )
    yield opened
    opened.close()


@pytest.fixture
def browser(app: App) -> TestClient:
    api = FastAPI()
    api.include_router(router(app, Intake(app)))
    return TestClient(api, base_url=app.settings.public_url, follow_redirects=False)


@pytest.fixture
def links(app: App) -> Links:
    return Links(app.secret, app.settings.public_url)


def recorded(app: App) -> list[dict[str, Any]]:
    """The events that Courtesy itself put into the inbox."""
    with app.ledger.read() as transaction:
        batches = events_store.waiting(transaction)
    assert set(batches["source"]) <= {"courtesy"}
    return [event for body in batches["body"] for event in msgspec.json.decode(body)["batch"]]


def test_opening_shows_a_picture_and_is_recorded(
    browser: TestClient, app: App, links: Links
) -> None:
    answer = browser.get(links.opened(MESSAGE))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"GIF89a")
    (event,) = recorded(app)
    assert (event["type"], event["event"], event["userId"]) == ("track", "Email Opened", "ana-1")
    assert event["timestamp"] == "2026-03-04T12:00:00Z"
    assert event["properties"] == {
        "message_id": MESSAGE,
        "journey": "welcome",
        "step": "s",
        "template": "hello",
    }


def test_opening_again_counts_only_in_another_minute(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    for pause in (0, 20, 39, 1):
        clock.move(clock.now() + pause * SECONDS)
        browser.get(links.opened(MESSAGE))
    assert [event["messageId"] for event in recorded(app)] == _ids(recorded(app), [0, 0, 0, 3])


def _ids(events: list[dict[str, Any]], places: list[int]) -> list[str]:
    return [events[place]["messageId"] for place in places]


def test_a_link_leads_where_it_led_and_is_recorded(
    browser: TestClient, app: App, links: Links
) -> None:
    target = "https://shop.example/?a=1&b=ü#there"
    answer = browser.get(links.clicked(MESSAGE, target))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/?a=1&b=%C3%BC#there"
    (event,) = recorded(app)
    assert (event["event"], event["properties"]["url"]) == ("Email Link Clicked", target)


def test_the_way_of_a_letter_sent_before_is_that_of_browsers(
    browser: TestClient, links: Links
) -> None:
    answer = browser.get(links.clicked(MESSAGE, "https://grün.example/a|b~c\r\n?d='"))
    assert answer.headers["location"] == "https://xn--grn-ioa.example/a|b~c?d=%27"


def history(app: App) -> list[tuple[str, str, datetime]]:
    """What became history: event, address and time."""
    sql = "SELECT occurred_at, event, coalesce(properties ->> 'url', '') FROM events ORDER BY ALL"
    rows = app.engine.query(sql, tables=[EVENTS], frames={}).rows()
    return [(event, url, at.astimezone(UTC)) for at, event, url in rows]


def absorb_at(app: App, clock: VirtualClock, seconds: float) -> list[tuple[str, str, datetime]]:
    """The history so many seconds after noon."""
    clock.move(NOON + seconds * SECONDS)
    absorb(app)
    return history(app)


def test_what_a_person_did_counts_from_when_they_did_it_once_it_is_judged(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    browser.get(links.opened(MESSAGE))
    clock.move(NOON + 3 * SECONDS)
    browser.get(links.clicked(MESSAGE, "https://a.example/x"))
    assert absorb_at(app, clock, 12) == []
    expected = [
        ("Email Opened", "", NOON),
        ("Email Link Clicked", "https://a.example/x", NOON + 3 * SECONDS),
    ]
    assert absorb_at(app, clock, 13) == expected
    assert absorb_at(app, clock, 60) == expected


def test_a_scanner_s_fetches_are_a_machine_s_and_a_person_s_click_afterwards_counts(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    targets = ("https://a.example/", "https://b.example/")
    for url in (links.opened(MESSAGE), *(links.clicked(MESSAGE, one) for one in targets)):
        assert browser.get(url).status_code in {200, 302}
    absorb_at(app, clock, 10)
    clock.move(NOON + 20 * SECONDS)
    browser.get(links.clicked(MESSAGE, targets[0]))
    assert absorb_at(app, clock, 30) == [
        ("Email Link Clicked by Machine", targets[0], NOON),
        ("Email Link Clicked by Machine", targets[1], NOON),
        ("Email Opened by Machine", "", NOON),
        ("Email Link Clicked", targets[0], NOON + 20 * SECONDS),
    ]


def test_one_link_with_the_way_out_is_a_scanner_s_too(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    browser.get(links.clicked(MESSAGE, "https://a.example/"))
    assert browser.get(links.unsubscribe(MESSAGE)).status_code == 200
    assert absorb_at(app, clock, 10) == [
        ("Email Link Clicked by Machine", "https://a.example/", NOON)
    ]


def test_who_fetches_without_end_is_judged_after_a_minute(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    for second in range(0, 66, 6):
        clock.move(NOON + second * SECONDS)
        browser.get(links.clicked(MESSAGE, "https://a.example/"))
        absorb(app)
    clicks = [event for event, _, _ in history(app)]
    assert clicks == ["Email Link Clicked"] * 2


def test_a_click_that_waits_to_be_judged_outlives_the_server(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    browser.get(links.clicked(MESSAGE, "https://a.example/"))
    absorb(app)
    again = open_app(app.home, clock=clock, settings=SETTINGS)
    assert absorb_at(again, clock, 10) == [("Email Link Clicked", "https://a.example/", NOON)]
    again.close()


@pytest.mark.parametrize("kind", ["o", "c", "u"])
def test_head_answers_like_get_and_counts_nothing(
    browser: TestClient, app: App, links: Links, clock: VirtualClock, kind: str
) -> None:
    url = {
        "o": links.opened(MESSAGE),
        "c": links.clicked(MESSAGE, "https://a.example/"),
        "u": links.unsubscribe(MESSAGE),
    }[kind]
    head = browser.head(url)
    assert (recorded(app), absorb_at(app, clock, 90)) == ([], [])
    answer = browser.get(url)
    assert (head.status_code, dict(head.headers)) == (answer.status_code, dict(answer.headers))
    assert head.content == b""
    assert browser.head(f"{url}x").status_code == browser.get(f"{url}x").status_code == 404


def test_two_links_in_one_minute_are_two_clicks(
    browser: TestClient, app: App, links: Links
) -> None:
    for target in ("https://a.example", "https://b.example", "https://a.example"):
        browser.get(links.clicked(MESSAGE, target))
    assert [one["messageId"] for one in recorded(app)] == _ids(recorded(app), [0, 1, 0])
    assert len({one["messageId"] for one in recorded(app)}) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_way_out_does_not_take_it(
    browser: TestClient, app: App, links: Links, method: str
) -> None:
    browser.request(method, links.unsubscribe(MESSAGE))
    assert recorded(app) == []


def test_the_page_asks_and_is_sealed(browser: TestClient, links: Links) -> None:
    answer = browser.get(links.unsubscribe(MESSAGE))
    assert answer.status_code == 200
    assert '<form method="post"><button type="submit">' in answer.text
    assert "tea &lt;offers&gt;" in answer.text
    assert "Tea &amp; Co" in answer.text
    assert '<html lang="en">' in answer.text
    assert "width=device-width" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "body",
    [
        {
            "content": b"List-Unsubscribe=One-Click",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
    ],
    ids=["one-click", "multipart", "button"],
)
def test_a_post_unsubscribes_without_cookies_and_without_redirect(
    browser: TestClient, app: App, links: Links, body: dict[str, Any]
) -> None:
    answer = browser.post(links.unsubscribe(MESSAGE), **body)
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert "Unsubscribed" in answer.text
    (event,) = recorded(app)
    assert event["event"] == "Unsubscribed"
    assert event["properties"]["topic"] == "tea <offers>"
    assert event["properties"]["channel"] == "email"


def test_each_unsubscription_counts_since_somebody_may_have_agreed_in_between(
    browser: TestClient, app: App, links: Links, clock: VirtualClock
) -> None:
    browser.post(links.unsubscribe(MESSAGE))
    clock.move(NOON + 3600 * SECONDS)
    browser.post(links.unsubscribe(MESSAGE))
    first, second = recorded(app)
    assert first["messageId"] != second["messageId"]


@pytest.mark.parametrize("path", ["o", "c", "u"])
@pytest.mark.parametrize(
    "change", [str.upper, lambda t: t[:-1], lambda t: t + "x", lambda t: "0" * 32 + t[32:]]
)
def test_what_was_changed_is_not_found(
    browser: TestClient,
    app: App,
    links: Links,
    path: str,
    change: Any,  # noqa: ANN401 - a function of text
) -> None:
    made = {
        "o": links.opened(MESSAGE),
        "c": links.clicked(MESSAGE, "https://shop.example/offer"),
        "u": links.unsubscribe(MESSAGE),
    }[path]
    base, _, token = made.rpartition("/")
    assert browser.get(f"{base}/{change(token)}").status_code == 404
    assert browser.get(f"/{path}/{'x' * 20_000}").status_code == 404
    assert recorded(app) == []


def test_a_changed_way_out_does_nothing(browser: TestClient, app: App, links: Links) -> None:
    assert browser.post(links.unsubscribe(MESSAGE) + "x").status_code == 404
    assert browser.post(links.opened(MESSAGE).replace("/o/", "/u/")).status_code == 404
    assert recorded(app) == []


def test_links_of_a_person_who_was_forgotten_still_lead_on(
    browser: TestClient, app: App, links: Links
) -> None:
    gone = "cd" * 16
    assert browser.get(links.opened(gone)).status_code == 200
    assert browser.get(links.clicked(gone, "https://a.example")).status_code == 302
    assert browser.post(links.unsubscribe(gone)).status_code == 200
    assert recorded(app) == []
