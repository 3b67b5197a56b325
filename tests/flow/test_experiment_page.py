"""The page of an experiment, from the calls of clients to the file, with the figures of lift."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.doors.cli.main import commands
from courtesy.doors.web.experiment import gather, write_experiment
from courtesy.doors.web.experiment.model import Tone
from courtesy.flow import absorb, lift_of, start_pilot, stop_pilot
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError, InputError, NotFoundError
from courtesy.ground.stats import AlwaysValid
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE, DAYS = 1_200, 6
TIERS = ("gold", "silver", "bronze", "new")
PILOT = """
experiment: free-shipping
owner: ana@brand.example
arms: {control: 1, free: 1}
metrics: [spent]
segments: [tier]
plan:
  hypothesis: People who pay no shipping buy more often.
  primary: bought
  minimal_effect: 10%
  guardrails: [{metric: complained, harm: 0.2}]
  longest: 30d
  decisions:
    better: Free shipping for everybody.
    worse: Never again.
    not_significant: Shipping stays as it is.
"""
MAILING = """
experiment: mailing
observed:
  at: 2026-03-02T00:00:00Z
  within: 2d
  arms: {mailed: {did: Mail Received}}
  control: none
  randomised: false
metrics: [bought]
"""
FILES = {
    "policy.yaml": """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
""",
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Order\nwithin: 1d\n",
    "metrics/spent.yaml": "metric: spent\nkind: sum\nevent: Order\nproperty: total\nwithin: 1d\n",
    "metrics/complained.yaml": """
metric: complained
kind: conversion
event: Complaint
within: 1d
better: lower
""",
    "experiments/free-shipping.yaml": PILOT,
    "experiments/mailing.yaml": MAILING,
}


def call(user: int, event: str, at: datetime, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "type": "track",
        "event": event,
        "userId": f"u{user}",
        "messageId": f"{user}-{event}",
        "timestamp": at.isoformat(),
        "properties": properties,
    }


def known(user: int) -> dict[str, Any]:
    traits = {"tier": TIERS[user // 2 % 4]}
    said = {"type": "identify", "userId": f"u{user}", "messageId": f"{user}", "traits": traits}
    return said | {"timestamp": START.isoformat()}


def life(user: int) -> Iterator[dict[str, Any]]:
    """Odd people get free shipping; of them two in five buy, of the others one in five."""
    arm = "free" if user % 2 else "control"
    at = START + timedelta(days=user * DAYS // PEOPLE, hours=1)
    yield call(user, "Experiment Viewed", at, experiment_id="free-shipping", variation_id=arm)
    if user % 2:
        yield call(user, "Mail Received", START + timedelta(hours=1))
    if user // 2 % 5 < (2 if user % 2 else 1):
        yield call(user, "Order", at + timedelta(hours=3), total=20 + user % 7)
    if user // 2 % 50 == 0:
        yield call(user, "Complaint", at + timedelta(hours=4))


def tell(app: App, calls: Sequence[dict[str, Any]]) -> None:
    for first in range(0, len(calls), 500):
        body = json.dumps({"batch": calls[first : first + 500]}).encode()
        accepted = Accepted("shop", app.clock.now(), collect(body, "batch"), history=True)
        with app.ledger.write() as transaction:
            events_store.accept(transaction, [accepted])
    absorb(app)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path / "home")
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock)
    for name, text in FILES.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_text(text, encoding="utf-8")
    with app.ledger.write() as transaction:
        workspace.apply(transaction, tmp_path / "folder", START)
    yield app
    app.close()


def run(app: App, people: int = PEOPLE) -> None:
    start_pilot(app, "free-shipping", people=PEOPLE)
    assert isinstance(app.clock, VirtualClock)
    app.clock.move(START + timedelta(days=DAYS + 2))
    tell(app, [known(user) for user in range(people)])
    tell(app, [one for user in range(people) for one in life(user)])


def test_the_page_shows_what_lift_finds(app: App, tmp_path: Path) -> None:
    run(app)
    found = write_experiment(app, "free-shipping", tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    lift = lift_of(app, "free-shipping", AlwaysValid())
    both = zip(found.lift.comparisons, lift.comparisons, strict=True)
    assert all(one.effect == pytest.approx(other.effect) for one, other in both)
    assert {one.metric for one in lift.comparisons} == {"bought", "spent", "complained"}
    assert found.verdict.tone == Tone.BETTER
    for shown in (
        "free is better than control.",
        "40% instead of 20%, +100%",
        "running since Mon 2 Mar 2026",
        "If it ends like this:</b> Free shipping for everybody.",
        "People who pay no shipping buy more often.",
        "ana@brand.example",
        "smallest effect worth having: +2 points",
        ">600<",
    ):
        assert shown in html
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", html)
    for title in ("Effect over time", "Guardrails", "Plan beside fact", "Segments", "All metrics"):
        assert title in titles
    assert [row.what for row in found.plan] == [
        "People",
        "Days",
        "bought in control",
        "bought: effect of free",
    ]
    assert found.plan[0].fact == "1,200"
    assert found.plan[3].plan == "+2 points"


def test_the_course_ends_where_the_figures_stand(app: App) -> None:
    run(app)
    found = gather(app, "free-shipping")
    looks = found.courses["free"]
    [deciding] = found.deciding
    assert len(looks) == DAYS
    assert looks[-1].effect == pytest.approx(deciding.effect)
    assert looks[-1].units == PEOPLE
    [spread] = found.spreads
    assert {one.segment for one in spread.segments} == set(TIERS)
    assert spread.metric == "bought"


def test_an_ended_pilot_says_what_was_decided_and_learned(app: App, tmp_path: Path) -> None:
    run(app)
    stop_pilot(app, "free-shipping", keep="free", learned="Shipping costs stop people.")
    found = write_experiment(app, "free-shipping", tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert found.ended
    assert "everybody gets free" in html
    assert "At its end:" in html
    assert "Free shipping for everybody." in html
    assert "Shipping costs stop people." in html


def test_before_anybody_came_the_page_shows_the_plan(app: App, tmp_path: Path) -> None:
    found = write_experiment(app, "free-shipping", tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert found.verdict.tone == Tone.EARLY
    assert "Too early to tell." in html
    assert "planned, not started yet" in html
    start_pilot(app, "free-shipping", people=500)
    assert gather(app, "free-shipping").plan[0].plan == "500"


def test_what_chance_did_not_assign_is_an_association(app: App, tmp_path: Path) -> None:
    run(app)
    found = write_experiment(app, "mailing", tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    assert found.verdict.tone == Tone.ASSOCIATION
    assert found.lift.comparisons == ()
    assert "Association only" in shown
    assert "effect" not in shown.lower()


def test_the_command_writes_all_three_kinds(app: App, tmp_path: Path) -> None:
    run(app, 200)
    home = ["--home", str(tmp_path / "home"), "experiments", "report", "free-shipping"]
    for suffix, start in ((".html", b"<!DOCTYPE"), (".svg", b"<?xml"), (".png", b"\x89PNG")):
        file = tmp_path / f"report{suffix}"
        answer = CliRunner().invoke(commands, [*home, str(file), "--json"])
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout)["report"] == str(file)
        assert file.read_bytes().startswith(start)


def test_a_wrong_name_or_suffix_is_one_sentence(app: App, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="free-shipping"):
        write_experiment(app, "nonsense", tmp_path / "a.html")
    with pytest.raises(InputError, match=r"found '\.pdf'"):
        write_experiment(app, "nonsense", tmp_path / "a.pdf")
    with pytest.raises(DataError):
        write_experiment(app, "universal", tmp_path / "a.html")
    assert not list(tmp_path.glob("a.*"))
