"""Flags as an app asks for them: OpenFeature's own SDK, a real server, down to the exposure."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import uvicorn
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.flow import absorb, publish
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import EVENTS, Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.experiments import store as experiments_store

KEY = "a-write-key"
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
FILES = {
    "policy.yaml": POLICY,
    "experiments/banner.yaml": """
experiment: banner
arms: {control: 1, bold: 1}
values: {control: false, bold: true}
""",
    "experiments/colour.yaml": "experiment: colour\narms: {blue: 1, green: 2, red: 1}\n",
    "experiments/price.yaml": """
experiment: price
arms: {full: 1, low: 1}
values: {full: 5, low: 4}
""",
    "experiments/discount.yaml": """
experiment: discount
arms: {none: 1, some: 1}
values: {none: 0.5, some: 0.25}
""",
    "experiments/layout.yaml": """
experiment: layout
arms: {grid: 1, list: 1}
values: {grid: {columns: 3}, list: {columns: 1}}
""",
    "experiments/loyalty.yaml": """
experiment: loyalty
arms: {control: 1, points: 1}
if: {trait: plan, is: pro}
""",
    "experiments/small.yaml": "experiment: small\narms: {control: 1, new: 1}\ntraffic: 20%\n",
    "experiments/inside.yaml": "experiment: inside\narms: {control: 1, new: 1}\n",
    "journeys/welcome.yaml": """
journey: welcome
topic: offers
entry: {event: Signed Up}
steps:
  - test: inside
  - send: {template: hello}
""",
    "templates/hello.html": """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
""",
}
OUTSIDE = ["banner", "colour", "discount", "layout", "loyalty", "price", "small"]


def put_in_force(app: App, folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, app.clock.now())


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home")
    put_in_force(opened, tmp_path / "workspace", FILES)
    with opened.ledger.write() as transaction:
        events_store.add_source(transaction, "shop", KEY, opened.clock.now())
    yield opened
    opened.close()


@contextmanager
def served(app: App) -> Iterator[str]:
    """The API on a free port of this machine."""
    server = uvicorn.Server(
        uvicorn.Config(create_api(app), host="127.0.0.1", port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def client_of(url: str, key: str = KEY) -> OpenFeatureClient:
    provider = OFREPProvider(url, headers_factory=lambda: {"Authorization": f"Bearer {key}"})
    api.set_provider(provider, domain=url)
    return api.get_client(domain=url)


@pytest.fixture
def url(app: App) -> Iterator[str]:
    with served(app) as address:
        yield address


@pytest.fixture
def client(url: str) -> OpenFeatureClient:
    return client_of(url)


def user(number: int) -> EvaluationContext:
    return EvaluationContext(f"user-{number}")


def banner(
    client: OpenFeatureClient, who: EvaluationContext | None, key: str = "banner"
) -> FlagEvaluationDetails[bool]:
    return client.get_boolean_details(key, default_value=True, evaluation_context=who)


def exposures(app: App) -> pl.DataFrame:
    absorb(app)
    publish(app)
    return app.engine.query("SELECT * FROM exposures", tables=[EXPOSURES], frames={})


def views(app: App) -> pl.DataFrame:
    sql = "SELECT * FROM events WHERE event = 'Experiment Viewed'"
    return app.engine.query(sql, tables=[EVENTS], frames={})


def takes_part(details: FlagEvaluationDetails[Any]) -> bool:
    return bool(details.flag_metadata["takesPart"])


def test_every_type_of_value(client: OpenFeatureClient) -> None:
    asked = {
        "banner": (client.get_boolean_details, None, {False: "control", True: "bold"}),
        "colour": (client.get_string_details, "", {"blue": "blue", "green": "green", "red": "red"}),
        "price": (client.get_integer_details, 0, {5: "full", 4: "low"}),
        "discount": (client.get_float_details, 0.0, {0.5: "none", 0.25: "some"}),
    }
    for key, (ask, default, variants) in asked.items():
        answers = [ask(key, default, user(n)) for n in range(12)]  # type: ignore[operator]
        assert {answer.value: answer.variant for answer in answers} == variants
        assert {(answer.reason, answer.error_code) for answer in answers} == {(Reason.SPLIT, None)}
        assert all(takes_part(answer) for answer in answers)


def test_an_object(client: OpenFeatureClient) -> None:
    answers = [client.get_object_details("layout", {}, user(n)) for n in range(12)]
    told = {str(answer.variant): answer.value for answer in answers}
    assert told == {"grid": {"columns": 3}, "list": {"columns": 1}}


def test_what_goes_wrong_is_told_in_open_feature_s_words(
    client: OpenFeatureClient, url: str
) -> None:
    unknown = banner(client, user(1), "no-such-flag")
    assert (unknown.value, unknown.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    nobody = banner(client, None)
    assert (nobody.value, nobody.error_code) == (True, ErrorCode.TARGETING_KEY_MISSING)
    strange = EvaluationContext("user-1", {"targetingKey": [1]})
    assert banner(client, strange).error_code == ErrorCode.INVALID_CONTEXT
    assert client.get_string_details("banner", "", user(1)).error_code == ErrorCode.TYPE_MISMATCH
    stranger = banner(client_of(url, "wrong-key"), user(1))
    assert (stranger.error_code, stranger.error_message) == (ErrorCode.GENERAL, "unauthorized")


def test_what_a_journey_tests_is_no_flag(client: OpenFeatureClient, url: str) -> None:
    answer = client.get_string_details("inside", "default", user(1))
    assert (answer.value, answer.error_code) == ("default", ErrorCode.FLAG_NOT_FOUND)
    assert [flag["key"] for flag in every_flag(url, "user-1").json()["flags"]] == OUTSIDE


def every_flag(url: str, key: str, **headers: str) -> httpx.Response:
    body = {"context": {"targetingKey": key}}
    known = {"X-API-Key": KEY, **headers}
    return httpx.post(f"{url}/ofrep/v1/evaluate/flags", json=body, headers=known)


def test_one_answer_is_one_event_and_one_exposure(app: App, client: OpenFeatureClient) -> None:
    first = banner(client, user(1))
    for _ in range(3):
        assert banner(client, user(1)) == first
    found = exposures(app).row(0, named=True)
    assert (found["experiment"], found["arm"]) == ("banner", first.variant)
    assert found["person_id"] == found["unit"] == digest("user_id", "user-1")
    event = views(app).row(0, named=True)
    assert (event["user_id"], event["source"]) == ("user-1", "courtesy")
    assert event["occurred_at"] == found["exposed_at"]
    banner(client, user(1))
    assert (len(exposures(app)), len(views(app))) == (1, 1)


def test_all_flags_at_once_expose_nobody(app: App, client: OpenFeatureClient, url: str) -> None:
    told = {flag["key"]: flag for flag in every_flag(url, "user-1").json()["flags"]}
    assert exposures(app).is_empty()
    alone = client.get_string_details("colour", "", user(1))
    assert told["colour"] == {
        "key": "colour",
        "reason": "SPLIT",
        "variant": alone.variant,
        "value": alone.value,
        "metadata": {"takesPart": True},
    }


def test_what_has_not_changed_is_not_sent_again(url: str) -> None:
    first = every_flag(url, "user-1")
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = every_flag(url, "user-1", **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert every_flag(url, "user-1", **{"If-None-Match": '"other"'}).json() == first.json()
    others = {every_flag(url, f"user-{n}").headers["ETag"] for n in range(2, 12)}
    assert len(others) > 5


def loyalty(client: OpenFeatureClient, context: EvaluationContext) -> FlagEvaluationDetails[str]:
    return client.get_string_details("loyalty", "", context)


def test_attributes_of_the_context_are_traits_for_one_answer(
    app: App, client: OpenFeatureClient, url: str
) -> None:
    free = {"type": "identify", "userId": "user-1", "traits": {"plan": "free"}}
    told(app, free)
    pro = loyalty(client, EvaluationContext("user-1", {"plan": "pro", "screen": 7}))
    assert (pro.reason, takes_part(pro)) == (Reason.SPLIT, True)
    stranger = loyalty(client, EvaluationContext("nobody-yet", {"plan": "pro"}))
    assert takes_part(stranger)
    other = loyalty(client, EvaluationContext("user-2", {"plan": "gold"}))
    assert (other.variant, other.reason, takes_part(other)) == (
        "control",
        Reason.TARGETING_MATCH,
        False,
    )
    body = {"context": {"targetingKey": "user-2", "plan": "pro"}}
    address = f"{url}/ofrep/v1/evaluate/flags"
    every = httpx.post(address, json=body, headers={"X-API-Key": KEY}).json()["flags"]
    assert {flag["key"]: flag["metadata"]["takesPart"] for flag in every}["loyalty"]
    assert not takes_part(loyalty(client, user(2)))
    with app.ledger.read() as transaction:
        traits = experiments_store.traits_of(transaction, None, ["plan", "screen"])
    assert traits["value"].to_list() == ['"free"']
    assert set(exposures(app)["person_id"]) == {
        digest("user_id", "user-1"),
        digest("user_id", "nobody-yet"),
    }


def test_a_restart_keeps_every_answer(app: App, tmp_path: Path) -> None:
    with served(app) as url:
        before = [every_flag(url, f"user-{n}").json() for n in range(20)]
    again = open_app(tmp_path / "home")
    try:
        with served(again) as url:
            assert [every_flag(url, f"user-{n}").json() for n in range(20)] == before
    finally:
        again.close()


def told(app: App, *calls: dict[str, Any]) -> None:
    """What a client would send, absorbed."""
    batch = [{"messageId": f"call-{n}", **call} for n, call in enumerate(calls)]
    collected = collect(httpx.Request("POST", "http://x", json={"batch": batch}).content, "batch")
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("shop", app.clock.now(), collected)])
    absorb(app)


def test_a_browser_before_and_after_its_user_is_known(app: App, url: str) -> None:
    body = {"context": {"targetingKey": "device-1", "anonymousId": "device-1"}}
    address = f"{url}/ofrep/v1/evaluate/flags/colour"
    nameless = httpx.post(address, json=body, headers={"X-API-Key": KEY}).json()
    assert exposures(app)["person_id"].to_list() == [digest("anonymous_id", "device-1")]
    told(app, {"type": "identify", "userId": "ana", "anonymousId": "device-1"})
    for key in ("device-1", "ana"):
        body = {"context": {"targetingKey": key}}
        assert httpx.post(address, json=body, headers={"X-API-Key": KEY}).json() == nameless
    assert len(exposures(app)) == 1
