"""One picture to put on a slide: the verdict, the intervals, the course and the arms.

Matplotlib brings its own font and draws text as outlines, so that the picture is the same on every
machine; nothing in it depends on when it was made.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from courtesy.doors.web.experiment import charts, panels
from courtesy.doors.web.experiment.model import Findings, Tone
from courtesy.doors.web.experiment.unit import Unit
from courtesy.doors.web.figures import count, p_value
from courtesy.doors.web.scale import Scale
from courtesy.stages.lift.model import Look

PNG, SVG = "png", "svg"
_SIZE, _DOTS = (12.8, 7.2), 125
_PAPER, _INK, _SOFT, _RULE = "#fffdf9", "#211d18", "#665d52", "#e2dbcf"
_GOOD, _BAD, _GREY, _AMBER = "#0b6158", "#a3342b", "#756b5f", "#9a5b00"
_KINDS = {"better": _GOOD, "worse": _BAD, "unsure": _GREY}
_TONES = {
    Tone.BETTER: _GOOD,
    Tone.WORSE: _BAD,
    Tone.STOP: _BAD,
    Tone.NOT_SIGNIFICANT: _GREY,
    Tone.EARLY: _GREY,
    Tone.ASSOCIATION: _AMBER,
}
_ARMS = ("#0b6158", "#9a5b00", "#3b5b92", "#8a3b7b", "#5b6b1e", "#a3342b", "#756b5f")
_LEFT, _RIGHT, _FLOOR, _GAP = 0.045, 0.965, 0.05, 0.012
_NEAR, _BANDS = 30, 2


def picture(findings: Findings, kind: str) -> bytes:
    """Draw 1600 by 900 points.

    Args:
        findings: what to draw.
        kind: ``png`` or ``svg``.
    """
    with mpl.rc_context(
        {
            "font.family": "DejaVu Sans",
            "svg.hashsalt": "courtesy",
            "svg.fonttype": "path",
            "text.parse_math": False,
        }
    ):
        figure = Figure(figsize=_SIZE, dpi=_DOTS, facecolor=_PAPER)
        top = _head(figure, findings)
        bottom = _foot(figure, findings)
        _middle(figure, findings, bottom, top)
        return _saved(figure, kind, findings.verdict.sentence)


def _saved(figure: Figure, kind: str, title: str) -> bytes:
    told = {"Creator": "Courtesy", "Date": None} if kind == SVG else {"Software": "Courtesy"}
    file = BytesIO()
    figure.savefig(file, format=kind, facecolor=_PAPER, metadata={"Title": title, **told})
    return file.getvalue()


def _head(figure: Figure, findings: Findings) -> float:
    """The verdict; returns where it ends."""
    name = " · ".join(filter(None, (f"Experiment {findings.lift.name}", findings.state)))
    y = _say(figure, 0.94, name, _Type(12, 100, 1))
    big = _Type(25, 50, colour=_TONES[findings.verdict.tone], weight="bold")
    y = _say(figure, y - 0.01, findings.verdict.sentence, big)
    return _say(figure, y - 0.005, findings.verdict.reason, _Type(13, 105))


def _foot(figure: Figure, findings: Findings) -> float:
    """The decision and the arms, from the bottom up; returns where they begin."""
    said = "At its end" if findings.ended else "If it ends like this"
    rows = [(f"{said}: {findings.decision}", _Type(12, 115, colour=_INK))]
    rows = [*(rows if findings.decision else []), (_arms(findings), _Type(12, 115))]
    start = _FLOOR + sum(len(look.wrapped(text)) * look.line + _GAP for text, look in rows)
    y = start
    for text, look in rows:
        y = _say(figure, y, text, look) - _GAP
    return start


def _arms(findings: Findings) -> str:
    arms = ", ".join(f"{arm.arm} {count(arm.units)}" for arm in findings.lift.arms)
    ratio = findings.lift.sample_ratio
    if ratio is None:
        return f"People: {arms}."
    word = "as chance would have it" if ratio.ok else "NOT as it should be"
    return f"The split is {word} (p = {p_value(ratio.p_value)}): {arms} people."


def _middle(figure: Figure, findings: Findings, bottom: float, top: float) -> None:
    """Intervals on the left, their course on the right; one of them alone has all the room."""
    panel, courses = panels.primary(findings), findings.courses
    low, high = bottom + 0.11, top - 0.085
    names = max((len(line.name) for line in panel.lines), default=0)
    start = _LEFT + min(0.02 + 0.0085 * names, 0.2)
    end = 0.49 if courses else _RIGHT
    if panel.lines:
        _intervals(figure.add_axes((start, low, end - start, high - low)), findings, panel)
    if courses:
        begin = 0.58 if panel.lines else 0.1
        axes = figure.add_axes((begin, low, _RIGHT - begin, high - low))
        _course(axes, findings, panel.unit)


def _intervals(axes: Axes, findings: Findings, panel: panels.Panel) -> None:
    across = panel.across
    _plain(axes, f"{_short(panel.title, 24)}: {findings.sure} intervals", panel.unit, _LEFT)
    for place, line in enumerate(panel.lines):
        row, colour = line.row, _KINDS[line.row.kind]
        if row.low is not None and row.high is not None:
            axes.hlines(place, row.low, row.high, color=colour, lw=9, alpha=0.35)
        if row.value is not None:
            axes.plot(row.value, place, "o", color=colour, ms=12)
            said = f"{line.value} {line.ends}"
            _label(axes, row.value, place, said, across)
    axes.set_yticks(range(len(panel.lines)), [_short(line.name) for line in panel.lines])
    axes.set_ylim(len(panel.lines) - 0.4, -0.6)
    axes.set_xlim(across.low, across.high)
    axes.set_xticks(across.ticks, [panel.unit.tick(tick) for tick in across.ticks])
    axes.grid(axis="x", color=_RULE)
    axes.axvline(0, color=_SOFT, lw=1.5)
    if findings.worthwhile is not None:
        axes.axvline(findings.worthwhile, color=_AMBER, lw=2, ls=(0, (3, 2)))
        text = f"- - smallest {findings.word} worth having: {panel.unit.named(findings.worthwhile)}"
        axes.annotate(
            text,
            (0, 0),
            xytext=(0, -38),
            xycoords="axes fraction",
            textcoords="offset points",
            color=_AMBER,
            fontsize=11,
        )


def _label(axes: Axes, value: float, place: int, said: str, across: Scale) -> None:
    """Above the point, and within the picture."""
    at = across.at(value)
    side = "left" if at < _NEAR else "right" if at > 100 - _NEAR else "center"
    axes.annotate(
        said,
        (value, place),
        xytext=(0, 12),
        textcoords="offset points",
        ha=side,
        color=_INK,
        fontsize=12,
        fontweight="bold",
        bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
    )


def _course(axes: Axes, findings: Findings, unit: Unit) -> None:
    courses = findings.courses
    up = charts.rising(courses.values(), findings.worthwhile)
    _plain(axes, f"{findings.word.capitalize()} over time", unit, axes.get_position().x0)
    banded = _farthest(courses)
    for number, (arm, looks) in enumerate(courses.items()):
        _band(axes, arm, looks, _ARMS[number % len(_ARMS)], alpha=0.18 if arm in banded else 0)
    axes.set_ylim(up.low, up.high)
    axes.set_yticks(up.ticks, [unit.tick(tick) for tick in up.ticks])
    _dates(axes, {_number(look.day) for looks in courses.values() for look in looks})
    axes.margins(x=0.02)
    axes.grid(axis="y", color=_RULE)
    axes.axhline(0, color=_SOFT, lw=1.5)
    if findings.worthwhile is not None:
        axes.axhline(findings.worthwhile, color=_AMBER, lw=2, ls=(0, (3, 2)))
    if len(courses) > 1:
        axes.legend(frameon=False, fontsize=11, labelcolor=_INK, ncols=2)


def _dates(axes: Axes, days: Collection[int]) -> None:
    """The first day and the last, and one between."""
    first, last = min(days), max(days)
    at = sorted({first, (first + last) // 2, last})
    told = [date.fromordinal(number) for number in at]
    axes.set_xticks(at, [f"{day.day} {day:%b}" for day in told])


def _farthest(courses: Mapping[str, Sequence[Look]]) -> list[str]:
    """The few arms that are farthest from no effect: more bands than that hide each other."""
    return sorted(courses, key=lambda arm: -abs(courses[arm][-1].effect or 0.0))[:_BANDS]


def _band(axes: Axes, arm: str, looks: Sequence[Look], colour: str, alpha: float) -> None:
    known = [
        (_number(look.day), look.effect, look.effect_low, look.effect_high)
        for look in looks
        if look.effect is not None and look.effect_low is not None and look.effect_high is not None
    ]
    days, middle, low, high = ([row[column] for row in known] for column in range(4))
    axes.fill_between(days, low, high, color=colour, alpha=alpha, lw=0)
    axes.plot(days, middle, color=colour, lw=2.5, label=_short(arm))


def _number(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _plain(axes: Axes, title: str, unit: Unit, start: float) -> None:
    """An empty plot in the colours of the page, its title from ``start`` (of the width) on."""
    axes.annotate(
        f"{title} (points)" if unit.share else title,
        (start, 1),
        xytext=(0, 14),
        xycoords=("figure fraction", "axes fraction"),
        textcoords="offset points",
        color=_INK,
        fontsize=13,
        fontweight="bold",
    )
    axes.set_facecolor(_PAPER)
    axes.tick_params(length=0, pad=7, labelsize=11.5, labelcolor=_SOFT)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


@dataclass(frozen=True)
class _Type:
    """How a text is set: ``width`` in letters, ``lines`` at most."""

    size: int
    width: int
    lines: int = 2
    colour: str = _SOFT
    weight: str = "normal"

    def wrapped(self, text: str) -> list[str]:
        return textwrap.wrap(text, self.width, max_lines=self.lines, placeholder=" …")

    @property
    def line(self) -> float:
        """The height of a line, as a share of the picture."""
        return 1.4 * self.size / 72 / _SIZE[1]


def _say(figure: Figure, y: float, text: str, look: _Type) -> float:
    """Write a text from ``y`` down; returns where it ends."""
    for line in look.wrapped(text):
        figure.text(
            _LEFT, y, line, fontsize=look.size, va="top", color=look.colour, weight=look.weight
        )
        y -= look.line
    return y


def _short(name: str, most: int = 22) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
