from datetime import time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from courtesy.doors.web import charts
from courtesy.doors.web.model import Hours, Measured, Quiet
from courtesy.doors.web.scale import Scale, scale

SHARES = st.lists(st.floats(-1, 1).map(lambda share: round(share, 9)), min_size=1, max_size=12)
NIGHT = Quiet(time(21), time(8, 30))


def parsed(drawing: Markup) -> ET.Element:
    return ET.fromstring(str(drawing))  # noqa: S314 - our own drawing


def across(element: ET.Element, name: str) -> float:
    return float(element.attrib[name].removesuffix("%"))


def found(drawing: ET.Element, kind: str) -> list[ET.Element]:
    return [one for one in drawing.iter() if one.get("class", "").split()[:1] == [kind]]


def measured(effect: float, low: float, high: float, truth: float | None = None) -> Measured:
    return Measured("welcome", "goal", effect=effect, low=low, high=high, true_effect=truth)


@given(SHARES)
def test_a_scale_holds_every_value_and_zero_and_ends_on_its_ticks(values: list[float]) -> None:
    found = scale(values)
    assert found.low <= min(*values, 0) <= max(*values, 0) <= found.high
    assert found.ticks[0] == found.low
    assert found.ticks[-1] == found.high
    assert 0 in found.ticks
    assert 2 <= len(found.ticks) <= 8


def test_a_scale_is_linear() -> None:
    scale = Scale(-0.1, 0.3, (-0.1, 0.0, 0.1, 0.2, 0.3))
    assert [scale.at(value) for value in (-0.1, 0.1, 0.3)] == pytest.approx([0, 50, 100])


@pytest.mark.parametrize(("share", "width"), [(0.25, 25), (1.0, 100), (1.7, 100)])
def test_a_bar_is_as_wide_as_its_share_and_never_wider_than_its_track(
    share: float, width: float
) -> None:
    [fill] = found(parsed(charts.bar(share)), "fill")
    assert across(fill, "width") == width


def test_a_bar_of_nothing_is_empty() -> None:
    assert found(parsed(charts.bar(0.0)), "fill") == []


def test_the_tallest_column_stands_at_the_busiest_hour() -> None:
    counts = tuple(10 * (hour == 9) + 5 * (hour == 20) for hour in range(24))
    drawing = parsed(charts.hours_chart(Hours("email", counts), None))
    nine, twenty = found(drawing, "column")
    assert float(nine.attrib["height"]) == pytest.approx(2 * float(twenty.attrib["height"]))
    assert across(nine, "x") == pytest.approx(100 * 9.12 / 24, abs=0.01)
    assert "09:00" in drawing.attrib["aria-label"]


def test_quiet_hours_over_midnight_shade_both_ends_of_the_day() -> None:
    drawing = parsed(charts.hours_chart(Hours("email", (1,) * 24), NIGHT))
    morning, evening = found(drawing, "quiet")
    assert across(morning, "x") == 0
    assert across(morning, "width") == pytest.approx(35.42, abs=0.01)
    assert (across(evening, "x"), across(evening, "width")) == (87.5, 12.5)
    assert "21:00 to 08:30" in drawing.attrib["aria-label"]


def test_an_interval_stands_where_its_numbers_say() -> None:
    scale = Scale(-0.1, 0.1, (-0.1, 0.0, 0.1))
    drawing = parsed(charts.interval_chart(measured(0.05, 0.02, 0.08, truth=0.04), scale))
    [reach], [point], [truth] = (found(drawing, kind) for kind in ("reach", "found", "truth"))
    assert across(reach, "x") == pytest.approx(60)
    assert across(reach, "width") == pytest.approx(30)
    assert across(point, "cx") == pytest.approx(75)
    assert across(truth, "x1") == pytest.approx(70)
    assert "sure" in reach.attrib["class"].split()
    assert "True effect: +4.0" in drawing.attrib["aria-label"]


def test_an_interval_that_holds_zero_is_unsure_and_one_too_long_is_cut() -> None:
    scale = Scale(-1.0, 1.0, (-1.0, 0.0, 1.0))
    drawing = parsed(charts.interval_chart(measured(0.2, -3.0, 3.0), scale))
    [reach] = found(drawing, "reach")
    assert "unsure" in reach.attrib["class"].split()
    assert (across(reach, "x"), across(reach, "width")) == (0, 100)
    assert found(drawing, "truth") == []


def test_without_an_effect_there_is_nothing_to_draw() -> None:
    scale = Scale(0.0, 1.0, (0.0, 1.0))
    assert charts.interval_chart(Measured("welcome", "", missing="Too early"), scale) == ""


def test_a_name_cannot_become_markup() -> None:
    hostile = Measured('"><script>', "", effect=0.1, low=0.0, high=0.2)
    drawing = charts.interval_chart(hostile, scale([0.2]))
    assert "<script>" not in drawing
    assert '"><script>' in parsed(drawing).attrib["aria-label"]
