import struct
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from courtesy.doors.web.experiment.model import Findings
from courtesy.doors.web.experiment.picture import PNG, SVG, picture
from courtesy.doors.web.experiment.verdict import judged
from courtesy.stages.lift.model import Lift

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(findings: Findings) -> ET.Element:
    return ET.fromstring(picture(findings, SVG))  # noqa: S314 - our own drawing


def strange(lift: Lift) -> Lift:
    """Seven arms whose names look like formulas."""
    first = lift.comparisons[0]
    arms = [f"$x_{number}^2$ & <b> a rather long name" for number in range(7)]
    looks = [replace(look, arm=arm) for arm in arms for look in lift.looks]
    comparisons = [replace(first, arm=arm) for arm in arms]
    return replace(lift, comparisons=tuple(comparisons), looks=tuple(looks))


def bare(lift: Lift) -> Lift:
    return replace(lift, comparisons=(), looks=(), sample_ratio=None)


def test_a_png_fills_a_slide(findings: Findings) -> None:
    data = picture(findings, PNG)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1600, 900)


def test_an_svg_needs_no_fonts_and_names_itself(findings: Findings) -> None:
    drawing = drawn(findings)
    assert drawing.findall(f".//{SPACE}text") == []
    assert drawing.findtext(f"{SPACE}title") == "free is better than control."


@pytest.mark.parametrize("kind", [PNG, SVG])
def test_the_same_findings_make_the_same_picture(findings: Findings, kind: str) -> None:
    assert picture(findings, kind) == picture(findings, kind)
    other = replace(findings, decision="Nobody gets it.")
    assert picture(findings, kind) != picture(other, kind)


@pytest.mark.parametrize("change", [strange, bare])
def test_whatever_is_there_can_be_drawn(
    findings: Findings, change: object, recwarn: pytest.WarningsRecorder
) -> None:
    assert callable(change)
    found = judged(replace(findings, lift=change(findings.lift)))
    assert len(picture(found, PNG)) > 1_000
    assert [str(one.message) for one in recwarn] == []


def test_each_part_is_drawn_only_where_it_is_known(findings: Findings) -> None:
    def axes(found: Findings) -> int:
        return len([g for g in drawn(found).iter(f"{SPACE}g") if "axes_" in g.get("id", "")])

    assert axes(findings) == 2
    assert axes(replace(findings, lift=replace(findings.lift, looks=()))) == 1
    assert axes(replace(findings, lift=bare(findings.lift))) == 0
