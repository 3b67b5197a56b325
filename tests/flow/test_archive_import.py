"""An archive of calls is imported like the calls themselves: same people, same times, once."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import create_api
from courtesy.doors.cli import main
from courtesy.doors.cli.imports import import_file
from courtesy.flow import absorb
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import EVENTS, store
from courtesy.stages.events.mapping import EventMapping, PersonMapping

RECORDED = datetime(2026, 11, 21, 19, tzinfo=UTC)
NOW = RECORDED + timedelta(days=1)
_HISTORY = """
SELECT message_id, person_id, type, event, user_id, anonymous_id, occurred_at, properties, context
FROM events ORDER BY message_id
"""
_KNOWN = "SELECT person_id, name, value, occurred_at FROM traits ORDER BY 1, 2"
_PERMITTED = "SELECT person_id, topic, channel, granted, occurred_at FROM consents ORDER BY 1, 2, 3"
CONSENTS = [
    {"topic": "offers", "channel": "email", "granted": True, "source": "form"},
    {"topic": "news", "channel": "email", "granted": False},
]
CALLS: list[dict[str, Any]] = [
    {"type": "page", "anonymousId": "a1", "name": "Home", "properties": {"url": "/"}},
    {
        "type": "identify",
        "userId": "u1",
        "anonymousId": "a1",
        "traits": {"email": "u1@people.example", "tier": "gold"},
        "context": {"timezone": "Asia/Tokyo", "consents": CONSENTS},
    },
    {"type": "track", "userId": "u1", "event": "Order Completed", "properties": {"value": 5.5}},
    {"type": "screen", "userId": "u2", "name": "Cart", "properties": {"items": 2}},
    {"type": "group", "userId": "u2", "groupId": "g1", "traits": {"plan": "team"}},
    {"type": "alias", "userId": "u1", "previousId": "a7"},
    {"type": "track", "userId": "u2", "event": "Unsubscribed", "properties": {"topic": "offers"}},
]


def moment(hours: float) -> str:
    return (RECORDED + timedelta(hours=hours)).isoformat()


def calls() -> list[dict[str, Any]]:
    """The calls as a client sends them, its clock five minutes fast."""
    return [
        {"messageId": f"m{n}", "context": {}, **one, "timestamp": moment(n / 10 + 1 / 12)}
        for n, one in enumerate(CALLS)
    ]


def archived(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same calls as a storage destination writes them: corrected, with the server's names."""
    return [
        {
            **one,
            "originalTimestamp": one["timestamp"],
            "timestamp": moment(n / 10),
            "sentAt": moment(2 + 1 / 12),
            "receivedAt": moment(2),
            "channel": "server",
            "integrations": {},
            "projectId": "p",
            "version": 2,
            "writeKey": "WK",
        }
        for n, one in enumerate(sent)
    ]


def packed(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))
    return path


@pytest.fixture
def homes(tmp_path: Path) -> Callable[[datetime], App]:
    opened: list[App] = []

    def home(now: datetime) -> App:
        path = tmp_path / f"home-{len(opened)}"
        make_home(path)
        opened.append(open_app(path, clock=VirtualClock(now)))
        return opened[-1]

    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it is downloaded: by source and day, names that tell no kind."""
    rows = archived(calls())
    packed(tmp_path / "segment-logs" / "source" / "1795219200000" / "179.a1.gz", rows[:4])
    packed(tmp_path / "segment-logs" / "source" / "1795305600000" / "180.b2.gz", rows[4:])
    return tmp_path / "segment-logs"


def sent_to(app: App) -> App:
    with app.ledger.write() as transaction:
        store.add_source(transaction, "live", "WK", RECORDED)
    body = {"batch": calls(), "sentAt": moment(2 + 1 / 12)}
    with TestClient(create_api(app)) as client:
        assert client.post("/v1/batch", json=body, auth=("WK", "")).status_code == 200
    absorb(app)
    return app


def known(app: App) -> tuple[pl.DataFrame, list[Any], list[Any]]:
    history = app.engine.query(_HISTORY, tables=[EVENTS], frames={})
    with app.ledger.read() as transaction:
        traits, consents = (
            [tuple(row.values()) for row in map(dict, transaction.rows(query))]
            for query in (_KNOWN, _PERMITTED)
        )
    return history, traits, consents


def test_an_archive_leaves_what_the_calls_themselves_leave(
    homes: Callable[[datetime], App], folder: Path
) -> None:
    live = known(sent_to(homes(RECORDED + timedelta(hours=2))))
    app = homes(NOW)
    said = import_file(app, folder, EventMapping)
    history, traits, consents = known(app)
    assert (said.read, said.accepted, said.duplicates, said.rejected) == (7, 7, 0, 0)
    assert history.to_dicts() == live[0].to_dicts()
    assert (traits, consents) == live[1:]
    assert history.height == 7
    assert history["occurred_at"][2] == RECORDED + timedelta(hours=0.2)
    assert "u1@people.example" in str(traits)
    assert len(consents) == 3


def test_calls_count_once_however_they_come(homes: Callable[[datetime], App], folder: Path) -> None:
    app = sent_to(homes(RECORDED + timedelta(hours=2)))
    before = known(app)
    first = import_file(app, folder, EventMapping)
    again = import_file(app, folder, EventMapping)
    assert (first.duplicates, again.duplicates) == (7, 7)
    after = known(app)
    assert after[0].to_dicts() == before[0].to_dicts()
    assert after[1:] == before[1:]


def test_everything_that_real_clients_sent_comes_back_from_an_archive(
    homes: Callable[[datetime], App], tmp_path: Path, protocols: Callable[[str], Path]
) -> None:
    requests = json.loads(protocols("recordings/segment-analytics-node.json").read_text("utf-8"))
    bodies = [one["json"] for one in requests if one["json"] and one["path"] != "/elsewhere"]
    sent = [
        {**event, "receivedAt": moment(0)}
        for body in bodies
        for event in body.get("batch", [body])
        if len(json.dumps(event)) < 32_768
    ]
    app = homes(NOW)
    said = import_file(app, packed(tmp_path / "node.json.gz", sent), EventMapping)
    history = known(app)[0]
    assert said.rejected == 0
    assert sorted(history["message_id"]) == sorted({event["messageId"] for event in sent})
    assert len(history) > 50


def test_what_cannot_be_used_is_kept_with_its_file_line_and_place(
    homes: Callable[[datetime], App], folder: Path
) -> None:
    rows = archived(calls())
    bad = [{**rows[0], "type": "delete"}, {**rows[1], "traits": "gold"}]
    packed(folder / "source" / "1795305600000" / "181.c3.gz", [*bad, {**rows[2], "messageId": "x"}])
    app = homes(NOW)
    said = import_file(app, folder, EventMapping)
    assert (said.accepted, said.rejected) == (8, 2)
    rejects = [json.loads(line) for line in Path(str(said.rejects_file)).read_text().splitlines()]
    assert [(one["file"], one["line"], one["place"]) for one in rejects] == [
        ("source/1795305600000/181.c3.gz", 1, "type"),
        ("source/1795305600000/181.c3.gz", 2, "traits"),
    ]
    assert [one["row"] for one in rejects] == bad


def test_identify_calls_alone_may_be_imported_as_people(
    homes: Callable[[datetime], App], folder: Path
) -> None:
    app = homes(NOW)
    said = import_file(app, folder, PersonMapping)
    history, traits, consents = known(app)
    assert (said.accepted, said.rejected, len(history)) == (1, 6, 0)
    assert [row[1:3] for row in traits] == [
        ("email", '"u1@people.example"'),
        ("tier", '"gold"'),
        ("timezone", '"Asia/Tokyo"'),
    ]
    assert [row[1:4] for row in consents] == [("news", "email", 0), ("offers", "email", 1)]
    assert import_file(app, folder, EventMapping).duplicates == 0


def test_consents_of_a_people_file_grant_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[dict[str, Any]] = [
        {"userId": "u1", "email": "u1@people.example", "context": {"consents": CONSENTS}},
        {"userId": "u2", "context": {"consents": [{**CONSENTS[0], "granted": "yes"}]}},
    ]
    file = packed(tmp_path / "people.jsonl.gz", rows)
    make_home(tmp_path / "home")

    def run(*words: str) -> Any:  # noqa: ANN401 - JSON
        command = ["courtesy", "--home", str(tmp_path / "home"), *words, "--json"]
        monkeypatch.setattr("sys.argv", command)
        with pytest.raises(SystemExit):
            main()
        return json.loads(capsys.readouterr().out)

    said = run("import", "people", str(file))
    person = run("people", "show", "u1")
    assert (said["accepted"], said["rejected"]) == (1, 1)
    assert [one["granted"] for one in person["consents"]] == [False, True]
    assert set(person["traits"]) == {"email"}
    [refused] = map(json.loads, Path(said["rejects_file"]).read_text().splitlines())
    assert (refused["line"], refused["place"]) == (2, "context.consents[0].granted")
