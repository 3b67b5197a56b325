from collections.abc import Sequence
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from courtesy.doors.web.experiment import charts
from courtesy.doors.web.experiment.charts import Row
from courtesy.doors.web.experiment.unit import Unit
from courtesy.doors.web.scale import Scale
from courtesy.stages.lift.model import Look

HUNDREDTHS = Scale(-0.01, 0.03, (-0.01, 0.0, 0.01, 0.02, 0.03))


def parsed(drawing: Markup) -> ET.Element:
    return ET.fromstring(str(drawing))  # noqa: S314 - our own drawing


def found(drawing: ET.Element, kind: str) -> list[ET.Element]:
    return [one for one in drawing.iter() if one.get("class", "").split()[:1] == [kind]]


def across(element: ET.Element, name: str) -> float:
    return float(element.attrib[name].removesuffix("%"))


def looks(*effects: tuple[float, float]) -> list[Look]:
    days = (date(2026, 12, 1) + timedelta(days=number) for number in range(len(effects)))
    return [
        Look("free", "bought", day.isoformat(), 10, at, at - half, at + half)
        for day, (at, half) in zip(days, effects, strict=True)
    ]


def points(element: ET.Element) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in element.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


def test_an_interval_stands_where_its_numbers_say() -> None:
    row = Row(0.01, 0.0, 0.02, "better", "bought: more", faint=0.03, marks=(("mark", 0.005),))
    drawing = parsed(charts.interval(row, HUNDREDTHS))
    [reach], [spot], [mark], [faint] = (
        found(drawing, kind) for kind in ("reach", "found", "mark", "faint")
    )
    assert (across(reach, "x"), across(reach, "width")) == (25, 50)
    assert [across(spot, "cx"), across(mark, "x1"), across(faint, "cx")] == [50, 37.5, 100]
    assert drawing.attrib["aria-label"] == "bought: more"
    assert len(found(drawing, "zero")) == 1


@pytest.mark.parametrize(("limit", "box"), [(0.02, (75, 25)), (-0.005, (0, 12.5))])
def test_harm_is_shaded_from_its_limit_to_the_edge(limit: float, box: tuple[float, float]) -> None:
    row = Row(0.0, -0.01, 0.01, "unsure", "", harm=limit)
    [shade] = found(parsed(charts.interval(row, HUNDREDTHS)), "harm")
    assert (across(shade, "x"), across(shade, "width")) == box


def test_what_nobody_knows_is_not_drawn() -> None:
    drawing = parsed(charts.interval(Row(None, None, None, "unsure", ""), HUNDREDTHS))
    assert found(drawing, "reach") == found(drawing, "found") == []


@pytest.mark.parametrize("size", [1e-9, 0.0004, 3.0, 2e9])
def test_rows_of_any_size_fit_on_their_scale(size: float) -> None:
    row = Row(size, -size, 2 * size, "unsure", "", faint=-3 * size)
    scale = charts.fitting([row])
    assert scale.low <= -2.999 * size
    assert scale.high >= 1.999 * size
    assert 4 <= len(scale.ticks) <= 8


def test_rows_without_a_number_have_a_scale_too() -> None:
    assert charts.fitting([Row(None, None, None, "unsure", "")]).ticks[0] == 0


def test_an_axis_with_many_ticks_can_lose_every_other_one_but_not_zero() -> None:
    ticks = tuple(float(tick) for tick in range(-3, 5))
    labels = parsed(charts.axis(Scale(-3, 4, ticks), Unit())).findall("text")
    shown = [label.text for label in labels if label.attrib["class"] == "tick"]
    assert shown == ["−2", "0", "+2", "+4"]  # noqa: RUF001 - a true minus


def test_a_course_runs_from_the_first_day_to_the_last() -> None:
    course = looks((0.02, 0.01), (0.01, 0.01), (0.01, 0.0))
    drawing = parsed(charts.course(course, HUNDREDTHS, "better", 0.005, "told"))
    line, band = points(found(drawing, "line")[0]), points(found(drawing, "band")[0])
    assert [x for x, _ in line] == [0, 50, 100]
    assert line[0][1] < line[1][1] == line[2][1]
    assert [x for x, _ in band] == [0, 50, 100, 100, 50, 0]
    assert band[2] == band[3]
    assert [label.text for label in drawing.findall("text")] == ["1 Dec 2026", "3 Dec 2026"]
    assert len(found(drawing, "mark")) == 1


def course_scale(course: Sequence[Look]) -> Scale:
    return charts.rising([course], 0.01)


def test_the_first_days_do_not_flatten_the_rest() -> None:
    course = looks((0.4, 5.0), (0.02, 0.04), (0.02, 0.01))
    scale = course_scale(course)
    assert scale.high < 0.1
    assert scale.low <= -0.01
    assert course_scale(looks((0.02, 0.01), (0.02, 0.01))).high >= 0.03
