"""The page of one experiment: one HTML file that needs nothing else."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from courtesy.doors.web import figures
from courtesy.doors.web.experiment import charts, panels
from courtesy.doors.web.experiment.model import Findings, Tone

_TEMPLATE = "experiment.html.jinja"
_SIGNS = {
    Tone.BETTER: "▲",
    Tone.WORSE: "▼",
    Tone.NOT_SIGNIFICANT: "=",
    Tone.STOP: "■",
    Tone.ASSOCIATION: "≈",
    Tone.EARLY: "…",
}


def page(findings: Findings) -> str:
    """Write the page: styles and charts inside, no scripts, no requests to anywhere."""
    environment = Environment(
        loader=PackageLoader("courtesy.doors.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("clock", "count", "day", "p_value", "percent"):
        environment.filters[name] = getattr(figures, name)
    environment.filters |= {"relative": figures.signed_percent, "brief": _brief}
    environment.globals |= {"charts": charts, "states": panels.STATES, "signs": _SIGNS}
    return environment.get_template(_TEMPLATE).render(
        it=findings,
        interval=panels.interval,
        primary=panels.primary(findings),
        guards=panels.guards(findings),
        spreads=[(one, panels.segments(findings, one)) for one in findings.spreads],
        factors=panels.factors(findings),
        expected=any(arm.expected_share is not None for arm in findings.lift.arms),
        many=len({one.arm for one in findings.shown}) > 1,
        up=charts.rising(findings.courses.values(), findings.worthwhile),
        course_texts={arm: _told(findings, arm) for arm in findings.courses},
    )


def _brief(value: float | None) -> str:
    return figures.p_value(value).replace("below ", "<\N{NO-BREAK SPACE}")


def _told(findings: Findings, arm: str) -> str:
    """The course in words: where it began and where it stands."""
    looks, unit = findings.courses[arm], findings.unit(findings.primary)
    first, last = (
        f"{panels.interval(unit, one.effect, one.effect_low, one.effect_high)} on {one.day}"
        for one in (looks[0], looks[-1])
    )
    return f"{findings.primary} of {arm}: {first}, {last}."
