"""The collection API as a client sees it: paths, keys, answers, cross-origin rules."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.api.events import Collection
from courtesy.doors.api.intake import Intake
from courtesy.doors.api.keys import Keys
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import read, store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACK = {"event": "Signed Up", "userId": "u1", "messageId": "m1"}
EVENT = {"type": "track", **TRACK}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path)
    opened = open_app(tmp_path, clock=VirtualClock(NOW))
    with opened.ledger.write() as transaction:
        store.add_source(transaction, "shop", "key", NOW)
    yield opened
    opened.close()


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with TestClient(create_api(app)) as opened:
        yield opened


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


KEY = basic("key:")


def inbox(app: App) -> pl.DataFrame:
    with app.ledger.read() as transaction:
        return read(store.waiting(transaction))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/identify", "identify"),
        ("/v1/track", "track"),
        ("/v1/page", "page"),
        ("/v1/screen", "screen"),
        ("/v1/group", "group"),
        ("/v1/alias", "alias"),
        ("/v1/i", "identify"),
        ("/v1/t", "track"),
        ("/v1/p", "page"),
        ("/v1/s", "screen"),
        ("/v1/g", "group"),
        ("/v1/a", "alias"),
    ],
)
def test_single_calls_under_their_long_and_short_paths(
    app: App, client: TestClient, path: str, kind: str
) -> None:
    body = {**TRACK, "previousId": "old", "groupId": "g"}
    answer = client.post(path, json=body, headers=KEY)
    assert (answer.status_code, answer.content) == (200, b'{"success":true}')
    found = inbox(app)
    assert found["type"].to_list() == [kind]
    assert found["source"].to_list() == ["shop"]
    assert found["received_at"].to_list() == [NOW]
    assert found["history"].to_list() == [False]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import"])
def test_batches_under_all_their_paths(app: App, client: TestClient, path: str) -> None:
    assert client.post(path, json={"batch": [EVENT, EVENT]}, headers=KEY).status_code == 200
    assert len(inbox(app)) == 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (basic("key:"), TRACK),
        (basic("key"), TRACK),
        (basic("key:password"), TRACK),
        ({"Authorization": "Bearer key"}, TRACK),
        ({}, {**TRACK, "writeKey": "key"}),
        ({"Authorization": "Bearer other-token"}, {**TRACK, "writeKey": "key"}),
        ({"Authorization": "Basic !!!"}, {**TRACK, "writeKey": "key"}),
    ],
)
def test_any_one_key_will_do(
    client: TestClient, headers: dict[str, str], body: dict[str, str]
) -> None:
    assert client.post("/v1/track", json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, TRACK),
        (basic("other:"), TRACK),
        (basic(":key"), TRACK),
        ({"Authorization": "Bearer other"}, {**TRACK, "writeKey": "wrong"}),
        ({"Authorization": "Basic /////w=="}, TRACK),
        ({}, {**TRACK, "writeKey": 7}),
    ],
)
def test_an_unknown_key_is_refused(
    app: App, client: TestClient, headers: dict[str, str], body: dict[str, str]
) -> None:
    answer = client.post("/v1/track", json=body, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {
        "success": False,
        "error": "unknown_write_key",
        "message": "The write key is not known. Make one with: courtesy keys create NAME.",
        "place": "",
    }
    assert inbox(app).is_empty()


def test_a_key_made_while_serving_is_known_at_once(app: App, client: TestClient) -> None:
    assert client.post("/v1/track", json=TRACK, headers=basic("new:")).status_code == 401
    with app.ledger.write() as transaction:
        store.add_source(transaction, "app", "new", NOW)
    assert client.post("/v1/track", json=TRACK, headers=basic("new:")).status_code == 200
    assert inbox(app)["source"].to_list() == ["app"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"]
)
def test_the_content_type_does_not_matter(client: TestClient, kind: str) -> None:
    headers = {**KEY, "Content-Type": kind}
    answer = client.post("/v1/track", content=json.dumps(TRACK), headers=headers)
    assert answer.status_code == 200


def test_the_answer_names_the_events_that_were_rejected(app: App, client: TestClient) -> None:
    answer = client.post("/v1/batch", json={"batch": [EVENT, {"type": "track"}]}, headers=KEY)
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "rejected": [{"place": "batch[1].event", "reason": "event is required for track."}],
    }
    assert len(inbox(app)) == 1
    with app.ledger.read() as transaction:
        kept = store.rejections(transaction, 10)
    assert kept["body"].to_list() == ['{"type":"track"}']


def test_a_call_that_cannot_be_used_is_refused_with_its_place(client: TestClient) -> None:
    answer = client.post("/v1/batch", content=b'{"batch": [}', headers=KEY)
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "invalid_call",
        "message": "line 1, column 12: This call was not accepted. "
        "It is not JSON: invalid character.",
        "place": "line 1, column 12",
    }


def test_a_browser_may_send_from_any_page_with_any_header(client: TestClient) -> None:
    wanted = "anonymousid,authorization,rsa-sent-at"
    answer = client.options(
        "/v1/t",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": wanted,
        },
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Access-Control-Allow-Headers"] == wanted
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert int(answer.headers["Access-Control-Max-Age"]) >= 600


@pytest.mark.parametrize(("key", "status"), [("key", 200), ("wrong", 401)])
def test_a_browser_may_read_every_answer(client: TestClient, key: str, status: int) -> None:
    headers = {"Origin": "https://shop.example"}
    answer = client.post("/v1/t", json={**TRACK, "writeKey": key}, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_whoever_waits_for_events_is_told(app: App) -> None:
    told: list[int] = []

    def arrived() -> None:
        told.append(len(inbox(app)))

    with TestClient(create_api(app, arrived)) as client:
        client.post("/v1/track", json=TRACK, headers=KEY)
        client.post("/v1/track", json={}, headers=KEY)
    assert told == [1]


def test_more_than_fits_is_asked_to_come_again(app: App) -> None:
    full = Collection(Keys(app), Intake(app, most_bytes=0), app.clock)
    api = Starlette(routes=[Route("/v1/track", full.answer_to("track"), methods=["POST"])])
    answer = TestClient(api).post("/v1/track", json=TRACK, headers=KEY)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert int(answer.headers["X-RateLimit-Reset"]) > NOW.timestamp() - 10**8
    assert answer.json()["error"] == "busy"
    assert inbox(app).is_empty()


def test_health_tells_how_much_waits(client: TestClient) -> None:
    client.post("/v1/track", json=TRACK, headers=KEY)
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "inbox": 1})


def test_open_api_describes_every_call(client: TestClient) -> None:
    described: dict[str, Any] = client.get("/openapi.json").json()
    calls = ["identify", "track", "page", "screen", "group", "alias", "batch"]
    assert {f"/v1/{call}" for call in calls} <= set(described["paths"])
    track = described["paths"]["/v1/track"]["post"]
    assert track["requestBody"]["content"]["application/json"]["schema"]["allOf"][2] == {
        "required": ["event"]
    }
    assert set(track["responses"]) == {"200", "400", "401", "429", "503"}
    assert "userId" in described["components"]["schemas"]["Call"]["properties"]
