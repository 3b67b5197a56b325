import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from courtesy.doors.web.experiment.model import Findings, Learned
from courtesy.doors.web.experiment.page import page
from courtesy.doors.web.experiment.verdict import judged
from courtesy.stages.lift.model import Lift, Notice, SampleRatio

HOSTILE = '<script>alert("1")</script>'
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects what a page shows and says, and what it points to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.pointed: list[str] = []
        self.said: list[str] = []
        self.unnamed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.pointed += [found["aria-labelledby"]] if "aria-labelledby" in found else []
        self.said.append(found.get("aria-label", ""))
        drawn = tag == "svg" and "svg" not in self.open
        if drawn and not found.get("aria-label") and found.get("aria-hidden") != "true":
            self.unnamed.append(found.get("class", ""))
        if tag == "th":
            assert found["scope"] in {"row", "col"}
        assert not {"src", "href", "action", "onclick"} & found.keys()
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_asks_nothing_of_anybody(findings: Findings) -> None:
    html = page(findings)
    reader = read(html)
    assert html.startswith("<!DOCTYPE html>")
    assert "script" not in reader.tags
    assert not re.search(r"url\(|@import|https?://", html)
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.pointed) == set(reader.ids)
    assert reader.unnamed == []


def test_the_verdict_comes_first_and_then_its_picture(findings: Findings) -> None:
    html = page(findings)
    places = [
        html.index(text)
        for text in ("<h1", "free is better than control.</h1>", 'class="row"', "Effect over time")
    ]
    assert places == sorted(places)
    assert html.count("<h1") == 1


@pytest.mark.parametrize(
    "shown",
    [
        "12.4% instead of 10.3%, +20%",
        "+2.1 points",
        "(+0.8 to +3.4)",
        "smallest effect worth having: +1.0 points",
        "harm from +0.50 points on",
        "not sure yet",
        "10,021",
        "p = 0.91 for one look, 1 for any number of looks",
        "People who pay no shipping buy more often.",
        "10,021 and 10,037",
        "Chance alone explains the differences",
        "2,904 people; by itself +6.1",
        "together, beyond the sum of both",
        "+3.4 points (+1.3 to +5.5)",
        "4,310 (21.5%)",
        "+2.0 points (+0.6 to +3.3)",
        "always-valid, proportion, CUPED (covariates: 1)",
        "0.0016",
        "&lt;\N{NO-BREAK SPACE}0.001",
        "302 people are left out",
        "Everybody gets free shipping",
        "Shipping costs are what stops people",
        "ana@brand.example",
        "running since Tue 1 Dec 2026",
        "the band holds the truth on all days at once",
    ],
)
def test_every_figure_stands_on_the_page(findings: Findings, shown: str) -> None:
    assert shown in page(findings)


def test_charts_say_their_figures_to_who_cannot_see_them(findings: Findings) -> None:
    said = " ".join(read(page(findings)).said)
    assert "bought of free beside control: +2.1 points (+0.8 to +3.4)." in said
    assert "on 2026-12-01" in said
    assert "on 2026-12-28" in said


def bare(lift: Lift) -> Lift:
    return replace(lift, spreads=(), factors=(), on_treated=(), triggered=(), looks=(), warnings=())


def test_what_is_absent_is_left_out(findings: Findings) -> None:
    html = page(Findings(lift=bare(findings.lift), at=findings.at, primary="bought"))
    read(html)
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", html)
    assert titles == ["bought, beside control", "Who was in each arm", "All metrics"]
    assert "None" not in html


def test_before_anything_is_known_there_is_a_page_too(findings: Findings) -> None:
    early = replace(bare(findings.lift), comparisons=(), sample_ratio=None)
    html = page(judged(Findings(lift=early, at=findings.at, primary="bought")))
    read(html)
    assert "Too early to tell." in html


def test_without_chance_nothing_is_called_an_effect(findings: Findings) -> None:
    lift = replace(
        bare(findings.lift),
        randomised=False,
        sample_ratio=None,
        comparisons=(),
        associations=findings.lift.comparisons,
        looks=findings.lift.looks,
        warnings=(Notice("not_randomised", "nothing here is the effect"),),
    )
    html = page(judged(Findings(lift=lift, at=findings.at, primary="bought")))
    said = " ".join(read(html).said).lower()
    assert "association only" in said
    assert "difference over time" in said
    assert "effect" not in said
    assert "better than" not in said


def test_a_broken_split_is_pointed_out(findings: Findings) -> None:
    ratio = SampleRatio(0.0001, 0.002, ok=False)
    html = page(judged(replace(findings, lift=replace(findings.lift, sample_ratio=ratio))))
    assert "Do not use this result" in html
    assert "something interfered with chance" in html


def test_what_is_done_is_told_apart_from_what_would_be(findings: Findings) -> None:
    assert "If it ends like this:" in page(findings)
    assert "At its end:" in page(replace(findings, ended=True))


def test_a_fixed_interval_does_not_claim_all_days(findings: Findings) -> None:
    fixed = tuple(
        replace(one, method=one.method.replace("always-valid", "fixed"))
        for one in findings.lift.comparisons
    )
    html = page(replace(findings, lift=replace(findings.lift, comparisons=fixed)))
    assert "all days at once" not in html
    assert "for one look" in html


def test_what_people_wrote_cannot_become_markup(findings: Findings) -> None:
    first = replace(findings.lift.comparisons[0], arm=HOSTILE, metric=HOSTILE, method=HOSTILE)
    lift = replace(
        findings.lift, name=HOSTILE, comparisons=(first,), warnings=(Notice("n", HOSTILE),)
    )
    html = page(
        judged(
            replace(
                findings,
                lift=lift,
                primary=HOSTILE,
                decision=HOSTILE,
                hypothesis=HOSTILE,
                description=HOSTILE,
                owner=HOSTILE,
                state=HOSTILE,
                learned=(Learned(findings.at, HOSTILE),),
            )
        )
    )
    assert HOSTILE not in html
    assert html.count("&lt;script&gt;") > 8


def luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def schemes() -> list[dict[str, str]]:
    """The colours of the light and of the dark page."""
    css = (files("courtesy.doors.web") / "templates" / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in blocks]


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "soft", "deep", "sure", "unsure", "truth", "amber"])
def test_text_stands_out_from_its_ground(scheme: dict[str, str], text: str) -> None:
    """Contrast of at least 4.5 (WCAG 2.2, 1.4.3, level AA)."""
    for ground in ("card", "paper"):
        lights = sorted((luminance(scheme[text]), luminance(scheme[ground])))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5
