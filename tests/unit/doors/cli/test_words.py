"""What commands say to a person: whole, plain, and where it went wrong."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from courtesy.app import make_home
from courtesy.doors.cli import main

Run = Callable[..., tuple[int, str, str]]
PERSON = {
    "userId": "u1",
    "tier": "gold",
    "age": 40,
    "context": {"consents": [{"topic": "offers", "channel": "email", "granted": True}]},
}
LONG = "x" * 300


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    make_home(tmp_path / "home")

    def run(*words: str | Path) -> tuple[int, str, str]:
        command = ["courtesy", "--home", str(tmp_path / "home"), *map(str, words)]
        monkeypatch.setattr("sys.argv", command)
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, " ".join(said.err.split())

    return run


def test_a_person_reads_as_lines(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(json.dumps(PERSON))
    assert run("import", "people", file)[0] == 0
    lines = run("people", "show", "u1")[1].splitlines()
    assert lines[1:6] == [
        "identifiers:",
        "  kind user_id, value u1",
        "traits:",
        "  age: 40",
        "  tier: gold",
    ]
    assert lines[7].startswith("  topic offers, channel email, granted yes, source import ")
    assert lines[-1] == "messages: none"


def test_what_somebody_did_is_not_cut_off(run: Run, tmp_path: Path) -> None:
    event = {"userId": "u1", "event": "Seen", "timestamp": "2026-01-02T03:04:05Z", "what": LONG}
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(event))
    assert run("import", "events", file)[0] == 0
    said = run("events", "list", "--person", "u1")[1]
    assert said.count("x") == len(LONG)


def test_an_address_that_is_taken_is_told_before_anything_begins(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("serve", "--port", str(port))
    assert (code, out) == (1, "")
    assert err == (
        f"Error: 127.0.0.1:{port}: This input cannot be used. Address already in use; "
        "choose another with --host and --port."
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("audiences", "explain", "nope", "u1"), "There is: none; courtesy apply puts a workspace"),
        (("report", "absent/r.html"), "absent/r.html: This input cannot be used."),
    ],
)
def test_the_next_step_is_told(run: Run, words: tuple[str, ...], sentence: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert sentence in err
