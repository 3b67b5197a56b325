import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from html.parser import HTMLParser

import pytest

from courtesy.doors.web import Report, page
from courtesy.doors.web.model import (
    Defined,
    Hours,
    Measured,
    Moment,
    Quiet,
    Silence,
    Step,
    Story,
)

AT = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
HOSTILE = '<script>alert("1")</script>'
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects what a page shows, and complains about elements that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids.add(found.get("id") or "")
        self.links += [found[name] or "" for name in ("href", "src", "action") if name in found]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture
def report() -> Report:
    lifted = Measured(
        "welcome",
        "did Order Completed, within 7d",
        treated=4_012,
        held_out=1_003,
        treated_share=0.252,
        held_out_share=0.201,
        effect=0.051,
        low=0.012,
        high=0.09,
        assigned_share=0.2,
        expected_share=0.2,
        ratio_p_value=0.43,
        ratio_ok=True,
        warnings=("302 people are left out.",),
        true_effect=0.043,
    )
    moments = (
        Moment(AT, "response", "Signed Up", HOSTILE),
        Moment(AT + timedelta(days=1), "goal", "Order Completed", "Harbour Espresso"),
    )
    return Report(
        home="demo-home",
        until=AT,
        since=AT,
        events=312_345,
        people=20_000,
        steps=[Step("Known", "events", 312_345, 20_000), Step("Sent", "messages", 5, 3, "Note")],
        hours=[Hours("email", (0,) * 9 + (1_234,) + (0,) * 14)],
        quiet=Quiet(time(21), time(8)),
        silences=[Silence("holdout", "Left alone.", 4_321), Silence("capped", "Enough.", 0)],
        postponed=612,
        waiting=37,
        measured=[lifted, Measured("win-back", "", missing="It has no goal to look for.")],
        story=Story("Mina", "abc", "UTC", (("persona", HOSTILE),), ("tips by email",), moments),
        definitions=[Defined("journey", "welcome", 3, AT, f"journey: welcome {HOSTILE}")],
        explanation="Because it is simulated.",
    )


def test_the_page_is_whole_and_asks_nothing_of_anybody(report: Report) -> None:
    html = page(report)
    reader = read(html)
    assert "script" not in reader.tags
    assert not re.search(r"url\(|@import|https?://", html)
    for link in reader.links:
        assert link.startswith("#")
        assert link[1:] in reader.ids


def test_every_figure_stands_on_the_page(report: Report) -> None:
    html = page(report)
    for shown in (
        "20,000",
        "312,345",
        "1,234",
        "4,321",
        "37 more wait",
        "612 of these",
        "4,012",
        "1,003",
    ):
        assert shown in html
    for shown in ("+5.1", "+1.2 to +9.0", "+4.3", "25.2%", "20.1%", "302 people are left out."):
        assert shown in html
    assert "It has no goal to look for." in html
    assert "Because it is simulated." in html


def test_what_people_wrote_cannot_become_markup(report: Report) -> None:
    html = page(report)
    assert HOSTILE not in html
    assert html.count("&lt;script&gt;") >= 3


def test_a_real_home_has_no_true_effects(report: Report) -> None:
    known = replace(report.measured[0], true_effect=None)
    html = page(replace(report, measured=[known], explanation=""))
    assert "true effect" not in html.lower()
    assert "+5.1" in html


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.09, "More people reached the goal"),
        (-0.09, -0.01, "Fewer people reached the goal"),
        (-0.01, 0.01, "No difference shown"),
    ],
)
def test_the_verdict_follows_from_the_interval(
    report: Report, low: float, high: float, verdict: str
) -> None:
    shown = replace(report.measured[0], effect=(low + high) / 2, low=low, high=high)
    html = page(replace(report, measured=[shown]))
    assert f">{verdict}<" in html


def test_a_broken_split_is_pointed_out(report: Report) -> None:
    broken = replace(report.measured[0], ratio_ok=False, ratio_p_value=0.0001)
    html = page(replace(report, measured=[broken]))
    assert "look into it" in html
    assert "below 0.001" in html


def test_an_empty_home_says_what_to_do_next(report: Report) -> None:
    empty = replace(
        report, since=None, events=0, people=0, steps=[], hours=[], measured=[], story=None
    )
    html = page(empty)
    read(html)
    for command in ("courtesy import people", "courtesy serve", "courtesy apply"):
        assert command in html
    assert "Did it help?" not in html


def test_a_home_that_sent_nothing_says_so(report: Report) -> None:
    html = page(replace(report, hours=[], silences=[], measured=[], story=None, definitions=[]))
    read(html)
    assert "Nothing has been sent yet." in html
    assert "No journey is in force." in html
