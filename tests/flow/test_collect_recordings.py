"""What real clients sent, replayed byte for byte: every event arrives, once."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.flow import absorb
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import EVENTS, store

RECORDED = datetime(2026, 11, 21, 19, tzinfo=UTC)
HOP_BY_HOP = {"host", "connection", "content-length", "accept-encoding"}
FOREIGN = ("/elsewhere", "/api/v1/b")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path)
    opened = open_app(tmp_path, clock=VirtualClock(RECORDED))
    with opened.ledger.write() as transaction:
        store.add_source(transaction, "recorded", "WK_test", RECORDED)
    yield opened
    opened.close()


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with TestClient(create_api(app)) as opened:
        yield opened


@pytest.fixture
def recorded(protocols: Callable[[str], Path]) -> Callable[[str], list[dict[str, Any]]]:
    def requests(name: str) -> list[dict[str, Any]]:
        text = protocols(f"recordings/{name}.json").read_text(encoding="utf-8")
        return [one for one in json.loads(text) if one["path"] not in FOREIGN]

    return requests


def replay(client: TestClient, request: dict[str, Any]) -> tuple[int, bytes]:
    headers = {name: value for name, value in request["headers"] if name.lower() not in HOP_BY_HOP}
    body = base64.b64decode(request["raw_body_b64"])
    if len(body) < request["raw_len"]:  # the recording cuts bytes at 4,000; it keeps all JSON
        body = json.dumps(request["json"]).encode()
    answer = client.request(request["method"], request["path"], content=body, headers=headers)
    return answer.status_code, answer.content


def absorbed(app: App) -> Counter[str]:
    absorb(app)
    query = "SELECT coalesce(event, type) AS name, count(*) AS n FROM events GROUP BY name"
    return Counter(dict(app.engine.query(query, tables=[EVENTS], frames={}).iter_rows()))


def sent(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The events inside a request, as the recording decoded them."""
    body = request["json"]
    events = body.get("batch", [body]) if body else []
    return [event for event in events if len(json.dumps(event)) < 32_768]


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("segment-analytics-python", 266),
        ("segment-analytics-node", 54),
        ("segment-analytics-next-chromium", 18),
        ("rudder-sdk-python", 10),
    ],
)
def test_everything_a_client_sends_arrives_once(
    app: App,
    client: TestClient,
    recorded: Callable[[str], list[dict[str, Any]]],
    name: str,
    events: int,
) -> None:
    requests = recorded(name)
    ids = {event["messageId"] for request in requests for event in sent(request)}
    for _ in range(2):
        for request in requests:
            status, content = replay(client, request)
            oversized = "too big" in request["label"]
            assert status == (400 if oversized else 200), (request["label"], content)
            assert oversized or request["method"] == "OPTIONS" or content == b'{"success":true}'
    assert absorbed(app).total() == len(ids) == events


def test_the_six_calls_of_a_browser_are_understood(
    app: App, client: TestClient, recorded: Callable[[str], list[dict[str, Any]]]
) -> None:
    for request in recorded("segment-analytics-next-chromium")[:12]:
        assert replay(client, request)[0] == 200
    counts = absorbed(app)
    assert counts["Page Viewed"] == 1
    assert counts["Screen Viewed"] == 1
    assert {"identify", "group", "alias"} <= set(counts)
    assert counts.total() == 6


def test_a_browser_is_allowed_what_its_preflight_asks_for(
    client: TestClient, recorded: Callable[[str], list[dict[str, Any]]]
) -> None:
    preflights = [
        one for one in recorded("segment-analytics-next-chromium") if one["method"] == "OPTIONS"
    ]
    for request in preflights:
        headers = {name.lower(): value for name, value in request["headers"]}
        answer = client.options(request["path"], headers=headers)
        asked = headers["access-control-request-headers"]
        assert answer.headers["Access-Control-Allow-Headers"] == asked
        assert answer.headers["Access-Control-Allow-Origin"] == headers["origin"]
    assert len(preflights) >= 6
