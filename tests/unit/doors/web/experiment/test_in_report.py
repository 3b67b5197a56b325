"""The part of the report that tells of experiments."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from courtesy.doors.web import Report, page
from courtesy.doors.web.experiment.model import Findings
from courtesy.doors.web.experiment.verdict import judged
from courtesy.doors.web.model import Tried
from courtesy.stages.lift.model import Lift, Notice

HOSTILE = '<script>alert("1")</script>'


def section(*tried: Tried) -> str:
    """The part of the report; empty where it has none."""
    report = Report(
        home="home",
        until=tried[0].findings.at,
        since=None,
        events=10,
        people=10,
        steps=(),
        hours=(),
        quiet=None,
        silences=(),
        postponed=0,
        waiting=0,
        measured=(),
        story=None,
        definitions=(),
        tried=tried,
    )
    _, _, found = page(report).partition('<section id="experiments"')
    return found.partition("</section>")[0]


def charts(html: str) -> list[ET.Element]:
    rows = [part.partition("</svg>")[0] for part in html.split('<svg class="row"')[1:]]
    return [ET.fromstring(f'<svg class="row"{row}</svg>') for row in rows]  # noqa: S314 - ours


def test_an_experiment_is_told_in_one_sentence_with_its_interval(findings: Findings) -> None:
    html = section(Tried(findings))
    for said in (
        "free is better than control.",
        "20,058 people took part",
        "running since Tue 1 Dec 2026",
    ):
        assert said in html
    assert "+2.1 points" in html
    assert "+0.8 to +3.4" in html
    assert 'class="verdict sure"' in html
    assert "<a href" not in html
    assert "true effect" not in html


def test_what_is_true_stands_beside_what_was_found(findings: Findings) -> None:
    html = section(Tried(findings, true_effect=0.027))
    assert "<dt>true effect in the simulation</dt><dd>+2.7</dd>" in html
    [chart] = charts(html)
    at = {
        one.get("class"): float((one.get("x1") or one.get("cx") or "0").removesuffix("%"))
        for one in chart.iter()
    }
    assert at["truth"] > at["found sure"]


def test_a_page_of_its_own_is_linked_by_the_name_of_its_file(findings: Findings) -> None:
    assert '<a href="report-free-shipping.html">' in section(
        Tried(findings, page="report-free-shipping.html")
    )


def test_where_nothing_can_be_compared_yet_the_reason_is_given(
    findings: Findings, lift: Lift
) -> None:
    nobody = replace(lift, arms=(), comparisons=(), warnings=(Notice("early", f"No. {HOSTILE}"),))
    html = section(Tried(judged(replace(findings, lift=nobody))))
    assert "Too early to tell." in html
    assert 'class="verdict unsure"' in html
    assert "No. &lt;script&gt;" in html
    assert not charts(html)


def test_harm_is_an_alarm(findings: Findings, lift: Lift) -> None:
    bought, revenue, gone = lift.comparisons
    flat = replace(bought, effect_low=-0.01, effect_high=0.03, p_value=0.3, p_holm=0.3)
    harmed = replace(gone, effect=0.05, effect_low=0.04, effect_high=0.06)
    hurt = replace(lift, comparisons=(flat, revenue, harmed))
    html = section(Tried(judged(replace(findings, lift=hurt))))
    assert 'class="verdict alarm"' in html
    assert "Stop: free does harm to opted-out." in html


@pytest.mark.parametrize("number", [1, 2])
def test_each_experiment_has_its_own_part(findings: Findings, number: int) -> None:
    html = section(*[Tried(findings)] * number)
    assert html.count("<article>") == len(charts(html)) == number
