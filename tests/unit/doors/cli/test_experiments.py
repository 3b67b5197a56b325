"""``courtesy experiments`` on a real home."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from courtesy.app import make_home, open_app
from courtesy.doors.cli import frame
from courtesy.doors.cli.main import commands
from courtesy.flow import absorb
from courtesy.ground.primitives.errors import InputError, NotFoundError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

PLAN = """plan:
  hypothesis: A [bold] button is seen.
  primary: bought
  minimal_effect: 0.02
  longest: 14d
  decisions: {better: Bold for all., worse: Never., not_significant: It stays.}
"""
FILES = {
    "policy.yaml": "sender: {name: Brand, address: hello@brand.example}\n"
    "postal_address: 1 Example Street\nholdouts: {universal: 5%}\n",
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Bought\nwithin: 7d\n",
    "experiments/button.yaml": "experiment: button\nowner: ana@brand.example\n"
    "arms: {plain: 1, bold: 1}\n" + PLAN,
    "experiments/colour.yaml": "experiment: colour\narms: {red: 1, blue: 1}\nmetrics: [bought]\n",
    "experiments/august.yaml": "experiment: august\nmetrics: [bought]\nobserved:\n"
    "  {at: 2026-08-01T08:00:00Z, within: 1h, arms: {mail: {did: Mailed}}, control: none,"
    " randomised: true}\n",
}
Run = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path / "home")
    app = open_app(tmp_path / "home")
    batch = [{"type": "track", "userId": "ann", "event": "Seen", "messageId": "1"}]
    body = collect(json.dumps({"batch": batch}).encode(), "batch")
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("app", app.clock.now(), body)])
    absorb(app)
    app.close()
    for name, text in FILES.items():
        path = tmp_path / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(frame, "console", Console(markup=False, width=250))

    def words(*given: str) -> Any:  # noqa: ANN401 - JSON, or text
        answer = CliRunner().invoke(commands, ["--home", str(home), *given], catch_exceptions=False)
        return json.loads(answer.output) if "--json" in given else answer.output

    words("apply", str(home.parent / "workspace"))
    return words


def test_the_list_says_where_each_acts_and_stands(run: Run) -> None:
    found = {row["experiment"]: row for row in run("experiments", "list", "--json")}
    assert {name: (row["acts"], row["state"]) for name, row in found.items()} == {
        "august": ("observed", "observed"),
        "button": ("flag", "draft"),
        "colour": ("flag", "running"),
        "universal": ("holdout", "running"),
    }
    assert found["universal"]["arms"] == {"holdout": 0.05, "treated": 0.95}
    assert found["button"]["people"] == {}
    assert "ana@brand.example" in run("experiments", "list")


@pytest.mark.usefixtures("run")
def test_a_narrow_screen_cuts_no_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "console", Console(markup=False, width=60))
    words = ["--home", str(home), "experiments", "list"]
    answer = CliRunner().invoke(commands, words)
    first = [line.split("│")[1].strip() for line in answer.output.splitlines() if "│" in line]
    assert "".join(first) == "augustbuttoncolouruniversal"
    assert "…" not in answer.output


def test_the_life_of_a_pilot_by_commands(run: Run) -> None:
    assert run("experiments", "show", "button", "--json")["plan"]["people_needed"] is None
    begun = run("experiments", "start", "button", "--people", "400", "--json")
    assert begun["plan"]["people_needed"] == 400
    assert begun["plan"]["people_from"] == "given"
    with pytest.raises(InputError, match="was started"):
        run("experiments", "start", "button", "--people", "400")
    (ann,) = run("experiments", "assign", "button", "ann", "--json")
    assert ann["arm"] in {"plain", "bold"}
    shown = run("experiments", "show", "button", "--json")
    assert {row["figure"] for row in shown["beside"]} == {"people", "days", "baseline"}
    assert "people: planned 400, is 0\n" in run("experiments", "show", "button")
    ended = run("experiments", "stop", "button", "--learned", "Nobody [saw] it.", "--json")
    assert ended["kept"] == "plain"
    (learned,) = run("experiments", "learnings", "SAW", "button", "--json")
    assert learned["learned"] == "Nobody [saw] it."
    assert learned["hypothesis"] == "A [bold] button is seen."
    assert run("experiments", "learnings", "elsewhere", "--json") == []
    assert "Nobody [saw] it." in run("experiments", "learnings")
    (ann,) = run("experiments", "assign", "button", "ann", "--json")
    assert (ann["arm"], ann["reason"], ann["takes_part"]) == ("plain", "stopped", False)
    assert "stopped" in run("experiments", "list")


def test_why_somebody_has_an_arm(run: Run, home: Path) -> None:
    (ann,) = run("experiments", "assign", "button", "ann", "--json")
    assert (ann["arm"], ann["reason"], ann["takes_part"]) == ("plain", "not_started", False)
    folder = home.parent / "workspace"
    for more, reason in {
        "traffic: 0%\n": "outside_traffic",
        "layer: {name: page, from: 0%, to: 0.01%}\n": "outside_layer",
        "if: {trait: plan, is: pro}\n": "not_eligible",
        "": "chance",
    }.items():
        text = FILES["experiments/colour.yaml"] + more
        (folder / "experiments/colour.yaml").write_text(text, encoding="utf-8")
        run("apply", str(folder))
        (ann,) = run("experiments", "assign", "colour", "ann", "--json")
        assert ann["reason"] == reason
        assert ann["takes_part"] == (reason == "chance")
    policy = FILES["policy.yaml"].replace("5%", "100%")
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    run("apply", str(folder))
    (ann,) = run("experiments", "assign", "colour", "ann", "--json")
    assert (ann["arm"], ann["reason"]) == ("red", "held")
    assert "left alone by the holdout universal" in run("experiments", "assign", "colour", "ann")


def test_what_is_not_there_is_said(run: Run) -> None:
    for command in ("show", "plan", "start", "stop"):
        with pytest.raises(NotFoundError, match="There is: august, button, colour"):
            run("experiments", command, "nothing")
    with pytest.raises(NotFoundError, match="nobody"):
        run("experiments", "assign", "colour", "nobody")
    with pytest.raises(InputError, match="Others ran it"):
        run("experiments", "assign", "august", "ann")
    with pytest.raises(InputError, match="has no plan"):
        run("experiments", "start", "colour")
