"""A replay has a home of its own: the one in use is not touched, and nothing is sent unasked."""

import json
import mailbox
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from courtesy.doors.cli.main import commands
from courtesy.ground.primitives.errors import InputError

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, field: Callable[[str], Path]) -> Path:
    """The field's three people, who each ordered once, in a home with a journey."""
    home, workspace = tmp_path / "home", tmp_path / "ws"
    (workspace / "journeys").mkdir(parents=True)
    (workspace / "templates").mkdir()
    (workspace / "policy.yaml").write_text(
        "sender: {name: Shop, address: shop@brand.example}\npostal_address: 1 Example Street\n"
        'quiet_hours: {from: "21:00", to: "08:00"}\ndefault_time_zone: Europe/London\n'
    )
    (workspace / "templates" / "t.html").write_text(
        "---\nsubject: Hello\n---\n<p>Hi {{ postal_address }} "
        '<a href="{{ unsubscribe_url }}">stop</a></p>\n'
    )
    (workspace / "journeys" / "j.yaml").write_text(
        "journey: j\ntopic: offers\nentry: {event: Order Completed, again: always}\n"
        "steps: [{send: {template: t}}, {wait: 1d}, {send: {template: t}}]\n"
    )
    run(home, "init")
    run(home, "import", "events", str(field("replay") / "calls.jsonl"))
    run(home, "apply", str(workspace))
    return home


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(commands, ["--home", str(home), *words])


def answer(home: Path, *words: str) -> Any:  # noqa: ANN401 - JSON
    done = run(home, *words, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        return ledger.execute(query).fetchall()


def test_the_home_in_use_is_not_touched_and_nothing_is_sent(home: Path) -> None:
    walked = answer(home, "replay")
    assert walked["really_sent"] is False
    assert rows(home, "SELECT count(*) FROM enrollments") == [(0,)]
    scratch = Path(walked["home"])
    assert scratch == home.with_name("home-replay")
    kept = [letter for box in (scratch / "outbox").glob("*.mbox") for letter in mailbox.mbox(box)]
    assert len(kept) == walked["sent"] == 6
    assert walked["people"] == 3
    assert rows(scratch, "SELECT state, count(*) FROM messages GROUP BY state") == [("sent", 6)]


@pytest.mark.parametrize("step", ["1h", "7m", "1d", "36h"])
def test_the_last_instant_counts_whatever_the_step(home: Path, step: str) -> None:
    last = "2026-03-02T12:30:00Z"
    walked = answer(home, "replay", "--to", last, "--step", step)
    assert (walked["events"], walked["entered"]) == (3, 3)
    assert walked["sent"] == 3


def test_a_replay_goes_on_begins_anew_and_is_undone(home: Path) -> None:
    answer(home, "replay", "--to", "2026-03-02T12:30:00Z")
    assert answer(home, "replay")["sent"] == 3
    assert answer(home, "replay")["sent"] == 0
    assert answer(home, "replay", "--again")["sent"] == 6
    scratch = home.with_name("home-replay")
    answer(home, "replay", "--undo")
    assert not scratch.exists()
    assert answer(home, "people", "count") == {"count": 3}
    shutil.copytree(home, scratch)
    for words in (["replay"], ["replay", "--undo"], ["replay", "--again"]):
        assert run(home, *words).exit_code == 1
    assert (scratch / "ledger.db").exists()


def test_who_waits_in_virtual_time_is_not_written_to_in_ours(home: Path) -> None:
    answer(home, "replay", "--to", "2026-03-02T12:30:00Z")
    scratch = home.with_name("home-replay")
    refused = run(scratch, "serve", "--port", "0")
    assert isinstance(refused.exception, InputError)
    assert "2026-03-02 12:30" in refused.exception.message
    assert "replay --leave" in refused.exception.message
    assert answer(scratch, "replay", "--leave")["people"] == 3
    assert rows(scratch, "SELECT DISTINCT state, reason FROM enrollments") == [("ended", "stopped")]
    assert run(home, "replay", "--leave").exit_code == 1
