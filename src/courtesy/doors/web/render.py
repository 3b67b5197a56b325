"""The report as one HTML page that needs nothing else."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from courtesy.doors.web import charts, figures
from courtesy.doors.web.model import Measured, Report

_PAGE = "report.html.jinja"


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
        report=report, charts=charts, across=_across(shown), shown=shown
    )


def _across(shown: list[Measured]) -> charts.Scale | None:
    """One scale for all journeys, so that they can be compared; nobody can change more than all."""
    values = [
        min(max(value, -1.0), 1.0)
        for one in shown
        for value in (one.low, one.high, one.effect, one.true_effect)
        if value is not None
    ]
    return charts.scale(values) if values else None
