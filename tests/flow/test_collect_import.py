"""Files are imported by command: counted, de-duplicated, with a reason for each row left out."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from courtesy.app import make_home
from courtesy.doors.cli import main

EVENTS_MAPPING = """
person: {user_id: person}
event: event
occurred_at: {column: time, unit: hours, since: "2018-08-01T00:00:00-04:00"}
properties:
  offer_id: [value.offer id, value.offer_id]
  amount: value.amount
  reward: value.reward
"""
ROWS: list[dict[str, Any]] = [
    {"person": "p1", "event": "offer viewed", "value": {"offer id": "o"}, "time": 0},
    {"person": "p1", "event": "offer viewed", "value": {"offer id": "o"}, "time": 0},
    {"person": "p2", "event": "transaction", "value": {"amount": 1.5}, "time": "soon"},
    {"person": None, "event": "transaction", "value": {"amount": 1.5, "reward": 1}, "time": 6},
    {"person": "p2", "event": "offer completed", "value": {"offer_id": "o"}, "time": 6},
]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["courtesy", "--home", str(home), *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, " ".join(said.err.split())

    return run


def answer(run: Run, *words: str | Path) -> dict[str, Any]:
    code, out, err = run(*words, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def written(path: Path, text: str | list[dict[str, Any]]) -> Path:
    lines = text if isinstance(text, str) else "".join(json.dumps(row) + "\n" for row in text)
    data = lines.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_good_rows_count_once_and_bad_rows_get_a_reason(
    run: Run, tmp_path: Path, home: Path
) -> None:
    file = written(tmp_path / "transcript.jsonl.gz", ROWS)
    mapping = written(tmp_path / "mapping.yaml", EVENTS_MAPPING)
    rejects = home / "rejects" / "transcript.jsonl.gz.jsonl"
    said = answer(run, "import", "events", file, "--mapping", mapping)
    assert said == {
        "file": str(file),
        "read": 5,
        "accepted": 3,
        "duplicates": 1,
        "rejected": 2,
        "grants_without_effect": 0,
        "rejects_file": str(rejects),
        "reasons": said["reasons"],
        "notices": [],
    }
    assert [json.loads(line) for line in rejects.read_text().splitlines()] == [
        {
            "line": 3,
            "reason": "occurred_at is not a time as the mapping has it; found 'soon'.",
            "place": "occurred_at",
            "row": ROWS[2],
        },
        {
            "line": 4,
            "reason": "userId or anonymousId is required.",
            "place": "userId",
            "row": ROWS[3],
        },
    ]
    assert answer(run, "events", "count") == {
        "count": 2,
        "by_event": {"offer completed": 1, "offer viewed": 1},
    }
    assert [event["event"] for event in _listed(run, "p1")] == ["offer viewed"]


def _listed(run: Run, person: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = answer(run, "events", "list", "--person", person)["events"]
    return events


def test_a_second_import_adds_nothing(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", [*ROWS[:2], ROWS[4]])
    mapping = written(
        tmp_path / "mapping.yaml",
        EVENTS_MAPPING.replace("  amount: value.amount\n  reward: value.reward\n", ""),
    )
    first = answer(run, "import", "events", file, "--mapping", mapping)
    second = answer(run, "import", "events", file, "--mapping", mapping)
    assert (first["accepted"], first["duplicates"]) == (3, 1)
    assert (second["accepted"], second["duplicates"]) == (3, 3)
    assert answer(run, "events", "count")["count"] == 2


def test_a_csv_with_standard_names_needs_no_mapping(run: Run, tmp_path: Path) -> None:
    text = "userId,event,timestamp,value\nu1,Order Completed,2026-01-02T03:04:05Z,12.50\n"
    said = answer(run, "import", "events", written(tmp_path / "orders.csv", text))
    assert (said["accepted"], said["rejects_file"]) == (1, None)
    [event] = _listed(run, "u1")
    assert json.loads(event["properties"]) == {"value": 12.5}
    assert event["occurred_at"].startswith("2026-01-02T03:04:05")


def test_a_mapping_that_names_a_column_that_is_not_there_imports_nothing(
    run: Run, tmp_path: Path
) -> None:
    file = written(tmp_path / "a.jsonl", ROWS)
    mapping = written(tmp_path / "m.yaml", EVENTS_MAPPING.replace("value.amount", "value.amout"))
    code, out, err = run("import", "events", file, "--mapping", mapping)
    assert (code, out) == (1, "")
    assert err == (
        f"Error: {mapping}:7: properties.amount: This mapping does not fit the file. "
        "There is no column value.amout; the file has: person, event, value, value.offer id, "
        "time, value.amount, value.reward, value.offer_id."
    )
    assert answer(run, "events", "count")["count"] == 0


def test_a_column_far_down_the_file_is_found(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", [ROWS[0]] * 6_000 + ROWS)
    mapping = written(tmp_path / "m.yaml", EVENTS_MAPPING)
    assert answer(run, "import", "events", file, "--mapping", mapping)["read"] == 6_005


def test_a_file_that_breaks_off_says_where_and_keeps_what_came_before(
    run: Run, tmp_path: Path
) -> None:
    rows = [{**ROWS[4], "time": hour, "person": f"p{hour}"} for hour in range(20_000)]
    file = written(tmp_path / "a.jsonl.gz", rows)
    file.write_bytes(file.read_bytes()[:-2_000])
    mapping = written(
        tmp_path / "m.yaml",
        "person: person\nevent: event\noccurred_at: {column: time, unit: hours}\n",
    )
    code, out, err = run("import", "events", file, "--mapping", mapping)
    assert (code, out) == (1, "")
    assert f"Error: {file}:15001: This data cannot be used. It is broken or breaks off" in err
    assert err.endswith("Before that, 15,000 rows were imported.")
    assert answer(run, "events", "count")["count"] == 15_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("absent.csv",), "absent.csv: This data cannot be used. There is no such file."),
        (("m.yaml",), "m.yaml: This data cannot be used. Its name should end with"),
        (("a.csv", "--mapping", "absent.yaml"), "absent.yaml: This data cannot be used."),
        (("a.csv", "--mapping", "m.yaml"), "m.yaml:1: person: This definition is not valid."),
    ],
)
def test_wrong_names_are_told_in_a_sentence(
    run: Run, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    written(tmp_path / "a.csv", "id\n1\n")
    written(tmp_path / "m.yaml", "event: e\noccurred_at: t\n")
    places = [tmp_path / word if "." in word else word for word in words]
    code, out, err = run("import", "events", *places)
    assert (code, out) == (1, "")
    assert sentence in err
    assert "Traceback" not in err
