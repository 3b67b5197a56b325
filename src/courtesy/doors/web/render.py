"""The report as one HTML page that needs nothing else."""

from dataclasses import replace

from jinja2 import Environment, PackageLoader, StrictUndefined

from courtesy.doors.web import charts, figures
from courtesy.doors.web.experiment import charts as intervals
from courtesy.doors.web.experiment import panels
from courtesy.doors.web.experiment.model import Tone
from courtesy.doors.web.experiment.panels import Line, Panel
from courtesy.doors.web.model import Measured, Report, Tried
from courtesy.doors.web.scale import Scale, scale

_PAGE = "report.html.jinja"
_COLOURS = {Tone.BETTER: "sure", Tone.WORSE: "sure", Tone.STOP: "alarm"}


def page(report: Report) -> str:
    """Write the page: styles and charts inside, no scripts, no requests to anywhere."""
    environment = Environment(
        loader=PackageLoader(__package__ or ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(figures, name)
        for name in ("clock", "count", "day", "p_value", "percent", "points", "signed_percent")
    }
    shown = [one for one in report.measured if one.effect is not None]
    return environment.get_template(_PAGE).render(
        report=report,
        charts=charts,
        across=_across(shown),
        shown=shown,
        intervals=intervals,
        tried=[(one, _panel(one)) for one in report.tried],
        colours=_COLOURS,
    )


def _panel(one: Tried) -> Panel:
    """The metric that decides, with the true effect where it is known."""
    found = panels.primary(one.findings)
    return replace(found, lines=[_with_truth(line, one.true_effect) for line in found.lines])


def _with_truth(line: Line, truth: float | None) -> Line:
    kind = "unsure" if line.row.kind == "unsure" else "sure"
    marks = () if truth is None else (("truth", truth),)
    return replace(line, row=replace(line.row, kind=kind, marks=marks))


def _across(shown: list[Measured]) -> Scale | None:
    """One scale for all journeys, so that they can be compared; nobody can change more than all."""
    values = [
        min(max(value, -1.0), 1.0)
        for one in shown
        for value in (one.low, one.high, one.effect, one.true_effect)
        if value is not None
    ]
    return scale(values) if values else None
