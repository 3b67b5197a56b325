"""Making write keys, and looking at what was refused, by command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from courtesy.app import make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.cli import main

Run = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["courtesy", "--home", str(home), *words])
        with pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code
        return capsys.readouterr().out

    return run


def answer(run: Run, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json"))
    return found


def test_a_new_key_is_shown_once_and_works(run: Run, home: Path) -> None:
    made = answer(run, "keys", "create", "shop")
    assert made["source"] == "shop"
    assert len(made["write_key"]) >= 32
    listed = run("keys", "list", "--json")
    assert [one["source"] for one in json.loads(listed)["sources"]] == ["shop"]
    assert made["write_key"] not in listed
    app = open_app(home)
    with TestClient(create_api(app)) as client:
        call = {"event": "e", "userId": "u", "writeKey": made["write_key"]}
        assert client.post("/v1/track", json=call).status_code == 200
    app.close()


def test_a_revoked_key_is_refused_and_others_are_not(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, app_key = (answer(run, "keys", "create", name)["write_key"] for name in ("shop", "app"))
    monkeypatch.setattr("courtesy.doors.api.keys._SECONDS", 0.0)
    app = open_app(home)
    with TestClient(create_api(app)) as client:
        calls = [{"event": "e", "userId": "u", "writeKey": key} for key in (shop, app_key)]
        assert [client.post("/v1/track", json=call).status_code for call in calls] == [200, 200]
        assert answer(run, "keys", "revoke", "shop") == {"source": "shop", "revoked": 1}
        assert [client.post("/v1/track", json=call).status_code for call in calls] == [401, 200]
    app.close()
    assert [one["source"] for one in answer(run, "keys", "list")["sources"]] == ["app"]


def test_two_keys_are_never_the_same(run: Run) -> None:
    keys = {answer(run, "keys", "create", "shop")["write_key"] for _ in range(3)}
    assert len(keys) == 3
    assert "shop" in run("keys", "list")


def test_rejections_are_listed_the_newest_first(run: Run, home: Path) -> None:
    key = answer(run, "keys", "create", "shop")["write_key"]
    app = open_app(home)
    with TestClient(create_api(app)) as client:
        good = {"type": "track", "event": "e", "userId": "u"}
        for bad in ({"type": "track"}, {"type": "[bold]purchase"}):
            client.post("/v1/batch", json={"batch": [good, bad], "writeKey": key})
    app.close()
    found = answer(run, "events", "rejections", "--limit", "1")["rejections"]
    assert [(one["source"], one["place"]) for one in found] == [("shop", "batch[1].type")]
    assert json.loads(found[0]["body"]) == {"type": "[bold]purchase"}
    assert "[bold]" in run("events", "rejections", "--limit", "1")


def test_an_empty_home_has_no_events(run: Run) -> None:
    assert answer(run, "events", "count") == {"count": 0, "by_event": {}}
    assert answer(run, "events", "list", "--person", "nobody's") == {"events": []}
    assert run("events", "count") == "None.\n"
