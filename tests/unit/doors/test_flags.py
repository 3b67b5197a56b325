"""Flags over HTTP: keys, bodies, limits, and what a browser must hear."""

import base64
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.api.flags import PATH, Flags, who_of
from courtesy.doors.api.intake import Intake
from courtesy.doors.api.keys import Keys
from courtesy.flow.flags.decide import Who
from courtesy.ground.definitions import store as definitions
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events import store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = f"{PATH}/banner"
USER: dict[str, Any] = {"context": {"targetingKey": "user-1"}}
KEY = {"X-API-Key": "key"}
BANNER = """
experiment: banner
arms: {control: 1, bold: 1}
values: {control: false, bold: true}
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path)
    opened = open_app(tmp_path, clock=VirtualClock(NOW))
    with opened.ledger.write() as transaction:
        store.add_source(transaction, "shop", "key", NOW)
        definitions.put(transaction, "experiment", "banner", BANNER, NOW)
    yield opened
    opened.close()


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with TestClient(create_api(app)) as opened:
        yield opened


def waiting(app: App) -> int:
    with app.ledger.read() as transaction:
        return store.waiting_count(transaction)


def test_one_flag(app: App, client: TestClient) -> None:
    answer = client.post(ONE, json=USER, headers=KEY)
    assert (answer.status_code, waiting(app)) == (200, 1)
    told = answer.json()
    assert told["value"] == {"control": False, "bold": True}[told.pop("variant")]
    assert told == {
        "key": "banner",
        "reason": "SPLIT",
        "value": told["value"],
        "metadata": {"takesPart": True},
    }


def test_every_flag(app: App, client: TestClient) -> None:
    one = client.post(ONE, json=USER, headers=KEY).json()
    assert client.post(PATH, json=USER, headers=KEY).json() == {"flags": [one]}
    assert waiting(app) == 1


def test_without_flags_there_is_an_empty_list(app: App, client: TestClient) -> None:
    with app.ledger.write() as transaction:
        definitions.retire(transaction, "experiment", "banner")
    assert client.post(PATH, json=USER, headers=KEY).json() == {"flags": []}


def test_a_value_of_null_leaves_it_to_the_code(app: App, client: TestClient) -> None:
    text = BANNER.replace("false", "null").replace("true", "null")
    with app.ledger.write() as transaction:
        definitions.put(transaction, "experiment", "banner", text, NOW)
    told = client.post(ONE, json=USER, headers=KEY).json()
    assert "value" not in told
    assert told["variant"] in {"control", "bold"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (KEY, USER),
        ({"Authorization": "Bearer key"}, USER),
        ({"Authorization": f"Basic {base64.b64encode(b'key:').decode()}"}, USER),
        ({}, {**USER, "writeKey": "key"}),
        ({"Authorization": "Bearer other", **KEY}, USER),
    ],
)
@pytest.mark.parametrize("path", [ONE, PATH])
def test_any_one_key_will_do(
    client: TestClient, path: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    assert client.post(path, json=body, headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer x"}])
@pytest.mark.parametrize("path", [ONE, PATH])
def test_an_unknown_key_is_refused(
    app: App, client: TestClient, path: str, headers: dict[str, str]
) -> None:
    answer = client.post(path, json=USER, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "GENERAL")
    assert answer.headers["WWW-Authenticate"] == "Basic"
    assert waiting(app) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b"\xff", "PARSE_ERROR"),
        (b"[" * 100_000, "PARSE_ERROR"),
        (b'{"context": {"targetingKey": "a", "x": "' + b"x" * 40_000 + b'"}}', "PARSE_ERROR"),
        (b'{"context": 1}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": true}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": {}}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "a\\u0000"}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "a", "anonymousId": []}}', "INVALID_CONTEXT"),
        (b"{}", "TARGETING_KEY_MISSING"),
        (b'{"context": {}}', "TARGETING_KEY_MISSING"),
        (b'{"context": null}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": ""}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": null}}', "TARGETING_KEY_MISSING"),
    ],
)
def test_a_body_that_cannot_be_used(client: TestClient, body: bytes, code: str) -> None:
    one = client.post(ONE, content=body, headers=KEY)
    assert (one.status_code, one.json()["key"], one.json()["errorCode"]) == (400, "banner", code)
    assert one.json()["errorDetails"].strip()
    every = client.post(PATH, content=body, headers=KEY)
    assert (every.status_code, every.json()["errorCode"]) == (400, code)
    assert "key" not in every.json()


@pytest.mark.parametrize("key", ["no-such", "banner/", "", "a%2Fb", "%00", "ä"])
def test_an_unknown_flag(client: TestClient, key: str) -> None:
    answer = client.post(f"{PATH}/{key}", json=USER, headers=KEY)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")


def test_bodies_may_be_compressed(client: TestClient) -> None:
    packed = zlib.compress(json.dumps(USER).encode())
    headers = {**KEY, "Content-Encoding": "deflate"}
    assert client.post(ONE, content=packed, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("context", "who"),
    [
        ({"targetingKey": "u"}, Who("u")),
        ({"targetingKey": 7}, Who("7")),
        ({"targetingKey": "d", "anonymousId": "d"}, Who(None, "d")),
        ({"targetingKey": "u", "anonymousId": "d"}, Who("u", "d")),
        (
            {"targetingKey": "u", "anonymousId": None, "plan": "pro"},
            Who("u", None, (("plan", '"pro"'),)),
        ),
    ],
)
def test_whom_a_context_names(context: dict[str, Any], who: Who) -> None:
    assert who_of(json.dumps({"context": context}).encode()) == who


def test_half_a_character_is_no_json() -> None:
    with pytest.raises(CallError):
        who_of(b'{"context": {"targetingKey": "\\ud800"}}')


def test_a_browser_may_ask_from_any_page(client: TestClient) -> None:
    origin = {"Origin": "https://shop.example"}
    wanted = {"Access-Control-Request-Headers": "x-api-key,if-none-match,content-type"}
    for path in (ONE, PATH):
        asked = client.options(path, headers={**origin, **wanted})
        assert asked.headers["Access-Control-Allow-Headers"].count(",") == 2
        for headers, status in ((KEY, 200), ({}, 401)):
            answer = client.post(path, json=USER, headers={**origin, **headers})
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
            assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    tag = client.post(PATH, json=USER, headers=KEY).headers["ETag"]
    same = client.post(PATH, json=USER, headers={**origin, **KEY, "If-None-Match": tag})
    assert (same.status_code, same.headers["Access-Control-Allow-Origin"]) == (
        304,
        origin["Origin"],
    )


def test_more_than_fits_is_asked_to_come_again(app: App) -> None:
    full = Flags(app, Keys(app), Intake(app, most_bytes=0))
    client = TestClient(Starlette(routes=full.routes()))
    answer = client.post(ONE, json=USER, headers=KEY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json()["errorCode"] == "GENERAL"
    assert client.post(PATH, json=USER, headers=KEY).status_code == 200
    assert waiting(app) == 0


def test_open_api_describes_both_routes(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]
    assert set(described[PATH]["post"]["responses"]) == {"200", "304", "400", "401", "503"}
    one = described[f"{PATH}/{{key}}"]["post"]["responses"]
    assert set(one) == {"200", "400", "401", "404", "429", "503"}
