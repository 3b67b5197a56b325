"""The demo, small: a simulated world against the real system, from the first call to the report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from courtesy.app import App, open_app
from courtesy.doors.cli.report import write
from courtesy.doors.demo.drive import START, run
from courtesy.doors.demo.home import Note
from courtesy.doors.demo.world import TEST, Scale
from courtesy.doors.web import Report
from courtesy.flow import shown
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import EVENTS
from courtesy.stages.experiments import HOLDOUT
from courtesy.stages.messages import Reason

SCALE = Scale(people=1_500, days=12, seed=3)
QUIET = {*range(21, 24), *range(8)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture(scope="module")
def note(home: Path) -> Note:
    return run(home, SCALE)


@pytest.fixture(scope="module")
def app(home: Path, note: Note) -> Iterator[App]:
    opened = open_app(home, clock=VirtualClock(note.end))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def report(app: App, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, str]:
    file = tmp_path_factory.mktemp("report") / "report.html"
    return write(app, file), file.read_text(encoding="utf-8")


@pytest.fixture
def ledger(app: App) -> Iterator[Transaction]:
    with app.ledger.read() as transaction:
        yield transaction


def rows(transaction: Transaction, query: str) -> list[dict[str, Any]]:
    return transaction.rows(query)


def events(app: App) -> dict[str, int]:
    sql = "SELECT coalesce(event, type) AS name, count(*) AS n FROM events GROUP BY name"
    return dict(app.engine.query(sql, tables=[EVENTS], frames={}).iter_rows())


def test_everybody_came_in_and_every_kind_of_event_is_there(app: App, ledger: Transaction) -> None:
    [found] = rows(ledger, "SELECT count(*) AS people FROM people")
    assert found["people"] == SCALE.people
    assert rows(ledger, "SELECT * FROM rejections") == []
    assert rows(ledger, "SELECT * FROM inbox") == []
    names = events(app)
    for name in ("Signed Up", "Product Added", "Order Completed", "Email Opened", "Email Bounced"):
        assert names[name] > 0


def test_every_journey_has_people_in_both_arms_and_every_message_an_end(
    ledger: Transaction,
) -> None:
    found = rows(ledger, "SELECT DISTINCT journey, arm FROM enrollments")
    arms = {(row["journey"], row["arm"]) for row in found}
    journeys = ("welcome", "cart-reminder", "win-back")
    assert arms == {(journey, arm) for journey in journeys for arm in ("treated", "holdout")}
    states = rows(ledger, "SELECT DISTINCT state FROM messages")
    assert "sent" in {row["state"] for row in states}
    assert not {"sending", "uncertain"} & {row["state"] for row in states}


def test_nobody_is_written_to_who_is_left_alone_or_has_not_agreed(ledger: Transaction) -> None:
    sent = "FROM messages m WHERE m.state = 'sent'"
    assert rows(ledger, f"SELECT 1 {sent} AND m.arm = 'holdout'") == []
    without = rows(
        ledger,
        f"""SELECT 1 {sent} AND NOT EXISTS (
              SELECT 1 FROM consents c WHERE c.person_id = m.person_id AND c.topic = m.topic
                AND c.granted = 1 AND c.occurred_at <= m.sent_at)""",  # noqa: S608 - our words
    )
    assert without == []
    withdrawn = rows(
        ledger,
        f"""SELECT 1 {sent} AND EXISTS (
              SELECT 1 FROM consents w WHERE w.person_id = m.person_id AND w.granted = 0
                AND w.topic IN (m.topic, '*') AND w.occurred_at <= m.sent_at
                AND NOT EXISTS (
                  SELECT 1 FROM consents g WHERE g.person_id = w.person_id AND g.granted = 1
                    AND g.topic = m.topic AND g.occurred_at > w.occurred_at
                    AND g.occurred_at <= m.sent_at))""",  # noqa: S608 - our words
    )
    assert withdrawn == []


def test_opens_and_clicks_are_of_messages_that_were_sent(app: App, ledger: Transaction) -> None:
    sent = {
        row["message_id"] for row in rows(ledger, "SELECT * FROM messages WHERE state = 'sent'")
    }
    for event in ("Email Opened", "Email Link Clicked"):
        sql = f"SELECT properties ->> '$.message_id' AS id FROM events WHERE event = '{event}'"  # noqa: S608
        found = app.engine.query(sql, tables=[EVENTS], frames={})["id"].to_list()
        assert found
        assert set(found) <= sent
        assert len(set(found)) == len(found)


def test_the_report_shows_what_the_ledger_holds(
    report: tuple[Report, str], ledger: Transaction
) -> None:
    found, html = report
    [row] = rows(ledger, "SELECT count(*) AS n FROM messages WHERE state = 'sent'")
    assert found.sent == row["n"] > 50
    assert f"{row['n']:,}" in html
    [row] = rows(ledger, "SELECT count(*) AS n FROM messages WHERE state IN ('refused', 'failed')")
    assert found.silent == row["n"]
    assert {one.reason for one in found.silences} == set(Reason)
    told = {one.reason for one in found.silences if one.messages}
    assert {Reason.HOLDOUT, Reason.NO_CONSENT, Reason.UNREACHABLE} <= told


def test_nothing_was_sent_in_anybodys_quiet_hours(report: tuple[Report, str]) -> None:
    [hours] = report[0].hours
    assert sum(hours.counts) > 50
    assert sum(hours.counts[hour] for hour in QUIET) == 0


def test_fewer_and_fewer_people_come_from_step_to_step(report: tuple[Report, str]) -> None:
    people = [step.people for step in report[0].steps[:-1]]
    assert people == sorted(people, reverse=True)
    assert people[0] == SCALE.people
    assert people[-1] > 0


def test_the_measured_interval_holds_the_true_effect(
    report: tuple[Report, str], note: Note
) -> None:
    truths = {truth.name: truth.effect for truth in note.truths}
    measured = {one.journey: one for one in report[0].measured}
    assert set(measured) == {"welcome", "cart-reminder", "win-back"}
    reminder = measured["cart-reminder"]
    assert reminder.true_effect == truths["cart-reminder"]
    assert reminder.low is not None
    assert reminder.high is not None
    assert reminder.low <= truths["cart-reminder"] <= reminder.high


def test_the_pilot_runs_by_a_plan_that_was_sized_and_frozen_at_the_start(app: App) -> None:
    found = shown(app, TEST)
    assert (found["state"], found["started_at"]) == ("running", START)
    plan = found["plan"]
    assert (plan["people_from"], plan["control"]) == ("history", "plain")
    assert 0.1 < plan["baseline"] < 0.4
    assert plan["people_needed"] > 2_000
    assert plan["cuped_gain"] is not None


def test_the_pilots_arms_differ_by_nothing_but_the_letter(ledger: Transaction) -> None:
    query = "SELECT arm, count(*) AS n FROM exposures WHERE experiment = 'cart-wording' GROUP BY 1"
    people = {row["arm"]: row["n"] for row in rows(ledger, query)}
    assert set(people) == {"plain", "warm"}
    assert min(people.values()) > 30
    both = """SELECT DISTINCT m.template, e.arm, m.arm AS held FROM messages m
              LEFT JOIN exposures e ON e.experiment = 'cart-wording' AND e.person_id = m.person_id
              WHERE m.journey = 'cart-reminder'"""
    treated = {
        (row["template"], row["arm"]) for row in rows(ledger, both) if row["held"] != HOLDOUT
    }
    assert treated == {("cart-reminder-plain", "plain"), ("cart-reminder-warm", "warm")}
    assert {row["arm"] for row in rows(ledger, both) if row["held"] == HOLDOUT} == {None}


def test_the_pilots_interval_holds_what_the_wording_truly_did(
    report: tuple[Report, str], note: Note
) -> None:
    [truth] = [truth for truth in note.truths if truth.name == TEST]
    [tried] = report[0].tried
    [found] = tried.findings.deciding
    assert (found.metric, found.arm, found.arm_units) == ("bought", "warm", truth.people)
    assert tried.true_effect == truth.effect > 0
    assert found.effect_low is not None
    assert found.effect_high is not None
    assert found.effect_low <= truth.effect <= found.effect_high
    assert tried.findings.lift.sample_ratio is not None
    assert tried.findings.lift.sample_ratio.ok


def test_the_pilot_has_a_page_beside_the_report(
    report: tuple[Report, str], app: App, tmp_path: Path
) -> None:
    assert 'href="report-' not in report[1]
    found = write(app, tmp_path / "shop.html", pages=True)
    assert [one.page for one in found.tried] == ["shop-cart-wording.html"]
    html = (tmp_path / "shop.html").read_text(encoding="utf-8")
    assert 'href="shop-cart-wording.html"' in html
    pilot = (tmp_path / "shop-cart-wording.html").read_text(encoding="utf-8")
    assert found.tried[0].findings.verdict.sentence in pilot


def test_the_story_is_of_somebody_who_was_written_to(report: tuple[Report, str]) -> None:
    story = report[0].story
    assert story is not None
    kinds = {moment.kind for moment in story.moments}
    assert {"response", "journey", "message"} <= kinds
    assert [one.at for one in story.moments] == sorted(one.at for one in story.moments)
    assert "@" not in report[1].split('id="story"')[1].split("</section>")[0]


def test_the_story_of_a_named_person_is_told(app: App, tmp_path: Path) -> None:
    found = write(app, tmp_path / "report.html", "qb-00001")
    assert found.story is not None
    with app.ledger.read() as transaction:
        [row] = rows(transaction, "SELECT * FROM identifiers WHERE value = 'qb-00001'")
    assert found.story.person_id == row["person_id"]


def test_the_same_seed_lives_again_in_the_place_of_the_first(tmp_path: Path) -> None:
    scale = Scale(people=120, days=3, seed=5)
    counts = []
    for _ in range(2):
        note = run(tmp_path / "home", scale)
        app = open_app(tmp_path / "home", clock=VirtualClock(note.end))
        with app.ledger.read() as transaction:
            query = "SELECT state, reason, count(*) AS n FROM messages GROUP BY state, reason"
            messages = sorted(map(str, rows(transaction, query)))
        counts.append((messages, events(app)))
        app.close()
    assert counts[0] == counts[1]
    assert note.end > START
