"""Did it help? Exposures and outcomes in; effects with honest intervals out.

Verbs: ``check`` (definitions of metrics), ``measure`` and ``tallies`` (an experiment in the home),
``measure_file`` (outside data), ``as_text`` and ``as_data`` (how a result is shown), ``conclude``
(what sums say, for both).
"""

from courtesy.stages.lift.check import check
from courtesy.stages.lift.conclude import conclude
from courtesy.stages.lift.measure import measure
from courtesy.stages.lift.measure_file import FilePlan, measure_file
from courtesy.stages.lift.model import (
    CONVERSION,
    COUNT,
    SUM,
    TIME,
    Comparison,
    Design,
    Lift,
    Metric,
    Notice,
    Outcome,
    Ratio,
    Tally,
)
from courtesy.stages.lift.people import DAY, UNKNOWN
from courtesy.stages.lift.plan import Plan
from courtesy.stages.lift.report import as_data, as_text
from courtesy.stages.lift.tally import MERGES, SEGMENTS, By, tallies

__all__ = [
    "CONVERSION",
    "COUNT",
    "DAY",
    "MERGES",
    "SEGMENTS",
    "SUM",
    "TIME",
    "UNKNOWN",
    "By",
    "Comparison",
    "Design",
    "FilePlan",
    "Lift",
    "Metric",
    "Notice",
    "Outcome",
    "Plan",
    "Ratio",
    "Tally",
    "as_data",
    "as_text",
    "check",
    "conclude",
    "measure",
    "measure_file",
    "tallies",
]
