"""Rows of intervals on one scale, with the words beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from courtesy.doors.web.experiment.charts import Row, fitting
from courtesy.doors.web.experiment.model import Findings, Guard, quality
from courtesy.doors.web.experiment.unit import Unit
from courtesy.doors.web.figures import count, p_value, signed_percent
from courtesy.doors.web.scale import Scale
from courtesy.stages.lift.model import Comparison, FactorEffect, SegmentEffect, Spread

STATES = {"held": "held", "open": "not sure yet", "broken": "harmed"}


@dataclass(frozen=True)
class Line:
    """One row with what stands beside it; ``state`` is a word with a colour of its own."""

    name: str
    value: str
    ends: str
    note: str
    row: Row
    state: str = ""


@dataclass(frozen=True)
class Panel:
    """Lines that share a scale and a unit; ``title`` names the metric."""

    title: str
    unit: Unit
    lines: Sequence[Line]

    @property
    def across(self) -> Scale:
        """The scale of all lines."""
        return fitting(line.row for line in self.lines)


def primary(findings: Findings) -> Panel:
    """The metric that decides, for every arm, with the smallest effect worth having."""
    mark = findings.worthwhile
    marks = () if mark is None else (("mark", mark),)
    lines = [_compared(findings, one, marks) for one in findings.deciding]
    return Panel(findings.primary, findings.unit(findings.primary), lines)


def guards(findings: Findings) -> list[Panel]:
    """One panel for each guardrail, since each has a unit of its own."""
    metrics = dict.fromkeys(guard.comparison.metric for guard in findings.guards)
    return [
        Panel(
            metric,
            findings.unit(metric),
            [_guarded(findings, one) for one in findings.guards if one.comparison.metric == metric],
        )
        for metric in metrics
    ]


def segments(findings: Findings, spread: Spread) -> Panel:
    """What is left of each segment's effect, beside its own and that of all."""
    unit = findings.unit(spread.metric)
    ordered = sorted(spread.segments, key=lambda one: -one.effect)
    lines = [_segment(one, spread.overall, unit, findings.better) for one in ordered]
    return Panel(spread.metric, unit, lines)


def factors(findings: Findings) -> Panel:
    """What each factor does by itself, and what two do beyond their sum, on what decides."""
    unit = findings.unit(findings.primary)
    found = [one for one in findings.lift.factors if one.metric == findings.primary]
    lines = [_factor(one, unit, findings.better) for one in found]
    return Panel(findings.primary, unit, lines)


def interval(unit: Unit, value: float | None, low: float | None, high: float | None) -> str:
    """``+2.1 points (+0.8 to +3.4)``; without ends that nobody knows."""
    return f"{unit.named(value)} {ends(unit, low, high)}".rstrip()


def ends(unit: Unit, low: float | None, high: float | None) -> str:
    """``(+0.8 to +3.4)``; nothing where nobody knows."""
    if low is None or high is None:
        return ""
    return f"({unit.change(low)} to {unit.change(high)})"


def _compared(findings: Findings, one: Comparison, marks: tuple[tuple[str, float], ...]) -> Line:
    unit = findings.unit(one.metric)
    figure = interval(unit, one.effect, one.effect_low, one.effect_high)
    note = f"{unit.level(one.arm_mean)} instead of {unit.level(one.control_mean)}"
    note += f", {signed_percent(one.lift)}" if one.lift is not None else ""
    note = note if len(findings.deciding) > 1 else ""
    kind = findings.kind(one.arm)
    text = f"{one.metric} of {one.arm} beside {one.control}: {figure}."
    row = Row(one.effect, one.effect_low, one.effect_high, kind, text, marks=marks)
    return Line(one.arm, *_figure(one, unit), note, row)


def _guarded(findings: Findings, guard: Guard) -> Line:
    one, unit = guard.comparison, findings.unit(guard.comparison.metric)
    figure = interval(unit, one.effect, one.effect_low, one.effect_high)
    note = "" if guard.limit is None else f"harm from {unit.named(guard.limit)} on"
    kind = {"held": "better", "broken": "worse"}.get(guard.state, "unsure")
    text = f"{one.metric} of {one.arm}: {figure}, {note}; {STATES[guard.state]}."
    row = Row(one.effect, one.effect_low, one.effect_high, kind, text, harm=guard.limit)
    return Line(one.arm, *_figure(one, unit), note, row, guard.state)


def _segment(one: SegmentEffect, overall: float, unit: Unit, better: str) -> Line:
    figure = interval(unit, one.effect, one.effect_low, one.effect_high)
    note = f"{count(one.units)} people; by itself {unit.change(one.own)}"
    kind = quality(one.effect_low, one.effect_high, better)
    text = f"{one.segment}: {figure}; {note}."
    marks = (("overall", overall),)
    row = Row(one.effect, one.effect_low, one.effect_high, kind, text, one.own, marks)
    return Line(one.segment, *_figure(one, unit), note, row)


def _factor(one: FactorEffect, unit: Unit, better: str) -> Line:
    figure = interval(unit, one.effect, one.effect_low, one.effect_high)
    pairs = zip(one.factors, one.levels, strict=True)
    name = " × ".join(f"{factor}: {level}" for factor, level in pairs)  # noqa: RUF001 - times
    together = "together, beyond the sum of both; " if len(one.factors) > 1 else ""
    note = f"{together}p = {p_value(one.p_value)}, corrected {p_value(one.p_discovery)}"
    kind = quality(one.effect_low, one.effect_high, better)
    row = Row(one.effect, one.effect_low, one.effect_high, kind, f"{name}: {figure}.")
    return Line(name, *_figure(one, unit), note, row)


def _figure(one: Comparison | SegmentEffect | FactorEffect, unit: Unit) -> tuple[str, str]:
    return unit.named(one.effect), ends(unit, one.effect_low, one.effect_high)
