"""Calls made up from the API's own description never meet an error of ours."""

from collections.abc import Iterator
from inspect import isfunction
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.specs.openapi.schemas import OpenApiSchema
from starlette.testclient import TestClient

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.api.flags import PATH
from courtesy.flow import absorb
from courtesy.ground.definitions import store as definitions
from courtesy.stages.events import store

load_all_checks()
EVERY: list[Any] = [check for check in CHECKS.get_all() if isfunction(check)]
ID = {"userId": "u"}
TRACKED = {"type": "track", "event": "Seen", **ID}
# What the description and the server once saw differently: what comes in, and what is right.
CASES = [
    ("identify", {"anonymousId": None}, 400),
    ("identify", {"userId": "", "anonymousId": 7}, 200),
    ("identify", {"userId": "", "anonymousId": 0}, 400),
    ("identify", {**ID, "type": 5, "traits": None, "timestamp": None}, 200),
    ("identify", {**ID, "traits": {"note": "a\0b"}}, 400),
    ("identify", {**ID, "a\0b": 1}, 400),
    ("page", {"userId": None}, 400),
    ("track", {"event": None, **ID}, 400),
    ("track", {"event": "", **ID}, 400),
    ("track", {"event": "Seen", "userId": -0.5, "messageId": ""}, 200),
    ("group", {"groupId": None, **ID}, 400),
    ("alias", {"previousId": None, "userId": None}, 400),
    ("batch", {"batch": []}, 200),
    ("batch", {"batch": [], "context": None, "sentAt": None}, 200),
    ("batch", {"batch": [], "context": []}, 400),
    ("batch", {"batch": [{"type": None}]}, 400),
    ("batch", {"batch": [None]}, 400),
    ("batch", {"batch": [TRACKED, {"type": None}, 7]}, 200),
]
CALLS = ["identify", "track", "page", "screen", "group", "alias", "batch"]
EXPERIMENT = "experiment: colour\narms: {blue: 1, green: 1}\nif: {trait: plan, exists: false}\n"

SETTINGS = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    opened = open_app(home)
    with opened.ledger.write() as transaction:
        store.add_source(transaction, "fuzzer", "key", opened.clock.now())
        definitions.put(transaction, "experiment", "colour", EXPERIMENT, opened.clock.now())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def described(app: App) -> OpenApiSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", create_api(app))


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("call", CALLS)
def test_made_up_calls(app: App, described: OpenApiSchema, call: str, mode: GenerationMode) -> None:
    cases = described[f"/v1/{call}"]["POST"].as_strategy(generation_mode=mode)
    answers: set[int] = set()

    @given(case=cases)
    @SETTINGS
    def try_one(case: schemathesis.Case) -> None:  # type: ignore[type-arg]
        headers = {"Authorization": "Bearer key"}
        answers.add(case.call_and_validate(headers=headers, checks=EVERY).status_code)

    try_one()
    absorb(app)
    assert answers <= {200, 400, 401}
    assert 200 in answers or mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize(("call", "body", "status"), CASES)
def test_the_description_and_the_server_agree(
    app: App, described: OpenApiSchema, call: str, body: dict[str, Any], status: int
) -> None:
    case = described[f"/v1/{call}"]["POST"].Case(body=body, media_type="application/json")
    answer = case.call(headers={"Authorization": "Bearer key"})
    assert answer.status_code == status
    raw = create_api(app).openapi()
    schema = raw["paths"][f"/v1/{call}"]["post"]["requestBody"]["content"]["application/json"]
    whole = {**schema["schema"], "components": raw["components"]}
    assert Draft202012Validator(whole).is_valid(body) == (status == 200)


def test_a_method_that_is_not_there_is_answered_with_those_that_are(app: App) -> None:
    client = TestClient(create_api(app))
    allowed = {path: client.put(path).headers["Allow"] for path in ("/u/x", "/v1/track", "/health")}
    assert {"GET", "POST"} <= set(allowed["/u/x"].split(", "))
    assert allowed["/v1/track"] == "OPTIONS, POST"
    assert "GET" in allowed["/health"]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", [PATH, f"{PATH}/{{key}}"])
def test_made_up_flags(app: App, described: OpenApiSchema, path: str, mode: GenerationMode) -> None:
    cases = described[path]["POST"].as_strategy(generation_mode=mode)
    answers: set[int] = set()

    @given(case=cases, known=st.booleans())
    @SETTINGS
    def try_one(case: schemathesis.Case, *, known: bool) -> None:  # type: ignore[type-arg]
        if known and "key" in case.path_parameters:
            case.path_parameters["key"] = "colour"
        headers = {"Authorization": "Bearer key"}
        answers.add(case.call_and_validate(headers=headers, checks=EVERY).status_code)

    try_one()
    absorb(app)
    assert answers <= {200, 304, 400, 401, 404}
    assert 200 in answers or mode is GenerationMode.NEGATIVE
