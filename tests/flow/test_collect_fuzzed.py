"""Calls made up from the API's own description never meet an error of ours."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.api.flags import PATH
from courtesy.flow import absorb
from courtesy.ground.definitions import store as definitions
from courtesy.stages.events import store

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
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
        answers.add(case.call_and_validate(headers=headers, checks=CHECKS).status_code)

    try_one()
    absorb(app)
    assert answers <= {200, 400, 401}
    assert 200 in answers or mode is GenerationMode.NEGATIVE


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
        answers.add(case.call_and_validate(headers=headers, checks=CHECKS).status_code)

    try_one()
    absorb(app)
    assert answers <= {200, 304, 400, 401, 404}
    assert 200 in answers or mode is GenerationMode.NEGATIVE
