"""Charts of an experiment as inline SVG: intervals beside zero, and effects over time.

Positions across are in percent, so that a chart fills a phone and a wide page alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from courtesy.doors.web.experiment.unit import Unit
from courtesy.doors.web.scale import Scale, scale
from courtesy.doors.web.svg import drawing, element, position
from courtesy.stages.lift.model import Look

_ROW, _THICK, _POINT = 36, 10, 6
_TALL, _FOOT, _SIDE = 200, 22, 4
_FARTHEST = 3
_MANY = 6


@dataclass(frozen=True)
class Row:
    """One interval to draw.

    ``kind`` chooses its colour; ``faint`` is a second value, shown faintly; ``marks`` are lines as
    (class, value); ``harm`` is where a shaded part begins, which reaches to the right, or to the
    left where it lies below zero; ``text`` says all that to who cannot see it.
    """

    value: float | None
    low: float | None
    high: float | None
    kind: str
    text: str
    faint: float | None = None
    marks: tuple[tuple[str, float], ...] = ()
    harm: float | None = None

    @property
    def values(self) -> Iterator[float]:
        """Everything that has to find room."""
        known = (self.value, self.low, self.high, self.faint, self.harm)
        yield from (one for one in known if one is not None)
        yield from (value for _, value in self.marks)


def fitting(rows: Iterable[Row]) -> Scale:
    """One scale for all rows; round, with zero on it."""
    values = [value for row in rows for value in row.values] or [0.0]
    return scale(values, narrowest=max(map(abs, values)) or 1.0)


def interval(row: Row, across: Scale) -> Markup:
    """An interval and its middle above the grid of ``across``."""
    parts = [_upright(across, tick, "grid" if tick else "zero", 0, _ROW) for tick in across.ticks]
    if row.harm is not None:
        parts.insert(0, _harm(row.harm, across))
    parts += [_upright(across, value, kind, 0, _ROW) for kind, value in row.marks]
    if row.low is not None and row.high is not None:
        left, right = (across.at(end) for end in (row.low, row.high))
        box = {"x": position(left), "width": position(right - left), "height": _THICK, "rx": 5}
        middle = (_ROW - _THICK) / 2
        parts.append(element("rect", class_=f"reach {row.kind}", y=middle, **box))
    if row.faint is not None:
        parts.append(_dot(across, row.faint, "faint", _POINT - 2))
    if row.value is not None:
        parts.append(_dot(across, row.value, f"found {row.kind}", _POINT))
    return drawing(parts, _ROW, "row", row.text)


def axis(across: Scale, unit: Unit) -> Markup:
    """The ticks below rows of intervals; on a narrow page every other one."""
    labels = [
        element(
            "text",
            unit.tick(tick),
            class_=_often(number, across),
            x=position(across.at(tick)),
            y=13,
            text_anchor="middle",
        )
        for number, tick in enumerate(across.ticks)
    ]
    return drawing(labels, 18, "axis")


def course(looks: Sequence[Look], up: Scale, kind: str, mark: float | None, text: str) -> Markup:
    """An effect over time with its interval as a band; ``up`` is the scale from bottom to top."""
    days = [date.fromisoformat(look.day) for look in looks]
    parts = [_level(up, tick, "grid" if tick else "zero") for tick in up.ticks]
    if mark is not None:
        parts.append(_level(up, mark, "mark"))
    parts.append(_lines(looks, days, up, kind))
    last = looks[-1].effect
    if last is not None:
        spot = {"cx": "100%", "cy": _height(up, last), "r": _POINT - 1}
        parts.append(element("circle", class_=f"found {kind}", **spot))
    ends = ((days[0], "0%", "start"), (days[-1], "100%", "end"))
    for day, x, anchor in ends:
        label = f"{day.day} {day:%b %Y}"
        parts.append(element("text", label, x=x, y=_TALL + 16, text_anchor=anchor))
    return drawing(parts, _TALL + _FOOT, "plot", text)


def levels(up: Scale, unit: Unit) -> Markup:
    """The labels beside ``course``, from bottom to top."""
    labels = [
        element("text", unit.tick(tick), x="100%", y=_height(up, tick, 4), text_anchor="end")
        for tick in up.ticks
    ]
    return drawing(labels, _TALL + _FOOT, "levels")


def rising(courses: Iterable[Sequence[Look]], mark: float | None) -> Scale:
    """One scale for all courses, on which the first days' wide intervals may be cut."""
    values = [0.0] if mark is None else [0.0, mark]
    for looks in courses:
        values += _in_sight(looks)
    return scale(values, narrowest=max(map(abs, values)) or 1.0)


def _in_sight(looks: Sequence[Look]) -> Iterator[float]:
    """The later half whole, and earlier ends as far as a few times the last interval's width."""
    last = looks[-1]
    ends = [end for look in looks for end in (look.effect_low, look.effect, look.effect_high)]
    known = [end for end in ends if end is not None]
    if last.effect is None or last.effect_low is None or last.effect_high is None:
        yield from known
        return
    room = _FARTHEST * (last.effect_high - last.effect_low) / 2
    yield from (min(max(end, last.effect - room), last.effect + room) for end in known)


def _lines(looks: Sequence[Look], days: Sequence[date], up: Scale, kind: str) -> Markup:
    """Band and line, stretched across; the frame cuts what lies outside."""
    span = max((days[-1] - days[0]).days, 1)
    at = [100 * (day - days[0]).days / span for day in days]
    high = [(x, look.effect_high) for x, look in zip(at, looks, strict=True)]
    low = [(x, look.effect_low) for x, look in zip(at, looks, strict=True)]
    middle = [(x, look.effect) for x, look in zip(at, looks, strict=True)]
    band = _path(up, [*high, *reversed(low)])
    return element(
        "svg",
        element("polygon", class_=f"band {kind}", points=band),
        element("polyline", class_=f"line {kind}", points=_path(up, middle)),
        class_="inside",
        width="100%",
        height=_TALL,
        viewBox=f"0 0 100 {_TALL}",
        preserveAspectRatio="none",
    )


def _path(up: Scale, points: Iterable[tuple[float, float | None]]) -> str:
    return " ".join(f"{x:.2f},{_height(up, y)}" for x, y in points if y is not None)


def _height(up: Scale, value: float, down: int = 0) -> str:
    room = _TALL - 2 * _SIDE
    return f"{_SIDE + room * (1 - up.at(value) / 100) + down:.1f}"


def _level(up: Scale, value: float, kind: str) -> Markup:
    y = _height(up, value)
    return element("line", class_=kind, x1="0%", x2="100%", y1=y, y2=y)


def _upright(across: Scale, value: float, kind: str, top: int, bottom: int) -> Markup:
    at = position(across.at(value))
    return element("line", class_=kind, x1=at, x2=at, y1=top, y2=bottom)


def _dot(across: Scale, value: float, kind: str, radius: int) -> Markup:
    place = {"cx": position(across.at(value)), "cy": _ROW // 2}
    return element("circle", class_=kind, r=radius, **place)


def _harm(limit: float, across: Scale) -> Markup:
    at = across.at(limit)
    start, end = (at, 100.0) if limit > 0 else (0.0, at)
    box = {"x": position(start), "width": position(end - start), "height": _ROW}
    return element("rect", class_="harm", **box)


def _often(number: int, across: Scale) -> str:
    zero = across.ticks.index(0.0)
    return "minor" if len(across.ticks) > _MANY and (number - zero) % 2 else "tick"
