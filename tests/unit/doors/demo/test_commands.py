"""``courtesy demo`` and ``courtesy report``, as they are called."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from courtesy.app import make_home
from courtesy.doors.cli.demo import demo
from courtesy.doors.cli.report import report
from courtesy.ground.primitives.errors import HomeError, InputError, NotFoundError

commands = typer.Typer()
commands.command()(demo)
commands.command()(report)


@commands.callback()
def _home(home: str | None = None) -> None:
    """As the real root has it."""


def called(*arguments: str) -> str:
    result = CliRunner().invoke(commands, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_demo_leaves_a_home_and_a_report_and_says_what_to_do_next(tmp_path: Path) -> None:
    home, file = str(tmp_path / "home"), tmp_path / "report.html"
    small = ("--people", "60", "--days", "2", "--report", str(file))
    said = called("--home", home, "demo", *small)
    assert "60 people, 2 days" in said
    for hint in ("make serve", "courtesy --home my-home", str(file)):
        assert hint in said
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    data = json.loads(called("--home", home, "demo", *small, "--json"))
    assert data["people"] == 60
    assert {one["journey"] for one in data["journeys"]} == {"welcome", "cart-reminder", "win-back"}
    for one in data["experiments"]:
        assert Path(one["page"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    again = json.loads(called("--home", home, "report", str(file), "--json"))
    assert (again["people"], again["sent"]) == (data["people"], data["sent"])


def test_an_empty_home_has_a_report_too(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "report.html"
    make_home(home)
    called("--home", str(home), "report", str(file))
    assert "Nobody is known here yet" in file.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_and_a_stranger_are_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home)
    with pytest.raises(InputError, match=r"absent/report\.html"):
        called("--home", str(home), "report", str(tmp_path / "absent" / "report.html"))
    with pytest.raises(NotFoundError, match="nobody"):
        called("--home", str(home), "report", str(tmp_path / "r.html"), "--person", "nobody")


def test_a_home_of_ones_own_is_not_made_a_demo(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home)
    with pytest.raises(HomeError, match="not a demo"):
        called("--home", str(home), "demo", "--people", "10", "--days", "1")
    assert (home / "secret").is_file()
