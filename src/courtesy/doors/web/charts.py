"""Small charts as inline SVG.

Positions across are in percent and sizes of text in pixels, so that a chart fills a phone and a
wide page alike and its text stays readable.
"""

from datetime import time

from markupsafe import Markup

from courtesy.doors.web.figures import clock, count, points, ticked
from courtesy.doors.web.model import Hours, Measured, Quiet
from courtesy.doors.web.scale import Scale
from courtesy.doors.web.svg import drawing, element, position

_DAY = 24
_TALL, _FOOT, _AIR = 128, 20, 12
_COLUMN = 0.76
_ROW, _MIDDLE = 44, 22


def bar(share: float) -> Markup:
    """One horizontal bar over a share (0 to 1) of its track; what it says stands beside it."""
    width = 100 * max(min(share, 1.0), 0.0)
    track = element("rect", class_="track", width="100%", height=12, rx=6)
    fill = element("rect", class_="fill", width=position(width), height=12, rx=6)
    return drawing([track, fill] if width else [track], 12, "bar")


def hours_chart(hours: Hours, quiet: Quiet | None) -> Markup:
    """Columns for the hours of the day; quiet hours are shaded."""
    most = max(hours.counts) or 1
    parts = [_shade(start, end) for start, end in _quiet_spans(quiet)]
    parts += [_column(hour, number, most) for hour, number in enumerate(hours.counts) if number]
    parts += [_hour_label(hour) for hour in range(0, _DAY + 1, 6)]
    return drawing(parts, _TALL + _FOOT, "chart", _hours_text(hours, quiet))


def interval_chart(measured: Measured, across: Scale) -> Markup:
    """An effect with its interval, the line of no effect, and the true effect where it is known."""
    if measured.effect is None or measured.low is None or measured.high is None:
        return Markup()
    kind = "sure" if measured.shown else "unsure"
    effect = across.at(measured.effect)
    low, high = (min(max(across.at(end), 0), 100) for end in (measured.low, measured.high))
    reach = {"x": position(low), "y": 16, "width": position(high - low), "height": 12, "rx": 6}
    parts = [_line(across, tick, "grid" if tick else "zero", 0, _ROW) for tick in across.ticks]
    parts.append(element("rect", class_=f"reach {kind}", **reach))
    parts.append(element("circle", class_=f"found {kind}", cx=position(effect), cy=_MIDDLE, r=7))
    if measured.true_effect is not None:
        parts.append(_line(across, measured.true_effect, "truth", 6, _ROW - 6))
    return drawing(parts, _ROW, "chart", _interval_text(measured))


def axis(across: Scale) -> Markup:
    """The ticks below interval charts, in percentage points."""
    ends = {across.low: "start", across.high: "end"}
    labels = [
        element(
            "text",
            ticked(tick),
            x=position(across.at(tick)),
            y=13,
            text_anchor=ends.get(tick, "middle"),
        )
        for tick in across.ticks
    ]
    return drawing(labels, 18, "axis")


def _line(across: Scale, value: float, kind: str, top: int, bottom: int) -> Markup:
    at = position(across.at(value))
    return element("line", class_=kind, x1=at, x2=at, y1=top, y2=bottom)


def _shade(start: float, end: float) -> Markup:
    left, width = 100 * start / _DAY, 100 * (end - start) / _DAY
    return element("rect", class_="quiet", x=position(left), width=position(width), height=_TALL)


def _column(hour: int, number: int, most: int) -> Markup:
    tall = max((_TALL - _AIR) * number / most, 2.0)
    return element(
        "rect",
        element("title", f"{hour:02}:00: {count(number)}"),
        class_="column",
        x=position(100 * (hour + (1 - _COLUMN) / 2) / _DAY),
        y=f"{_TALL - tall:.1f}",
        width=position(100 * _COLUMN / _DAY),
        height=f"{tall:.1f}",
        rx=2,
    )


def _hour_label(hour: int) -> Markup:
    anchor = {0: "start", _DAY: "end"}.get(hour, "middle")
    at = position(100 * hour / _DAY)
    return element("text", f"{hour:02}:00", x=at, y=_TALL + 15, text_anchor=anchor)


def _quiet_spans(quiet: Quiet | None) -> list[tuple[float, float]]:
    if quiet is None:
        return []
    start, end = _hours_of(quiet.start), _hours_of(quiet.end)
    return [(start, end)] if start < end else [(0.0, end), (start, float(_DAY))]


def _hours_of(moment: time) -> float:
    return moment.hour + moment.minute / 60


def _hours_text(hours: Hours, quiet: Quiet | None) -> str:
    busiest = max(range(_DAY), key=lambda hour: hours.counts[hour])
    text = f"{hours.channel}: most were sent at {busiest:02}:00, {count(hours.counts[busiest])}."
    if quiet:
        text += f" Quiet hours are from {clock(quiet.start)} to {clock(quiet.end)}."
    return text


def _interval_text(measured: Measured) -> str:
    text = (
        f"{measured.journey}: {points(measured.effect)} points, interval from "
        f"{points(measured.low)} to {points(measured.high)}."
    )
    if measured.true_effect is not None:
        text += f" True effect: {points(measured.true_effect)}."
    return text
