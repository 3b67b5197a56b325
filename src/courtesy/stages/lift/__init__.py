"""Did it help? Exposures and outcomes in; effects with honest intervals out.

Verbs: ``measure`` (an experiment in the home), ``measure_file`` (outside data), ``as_text`` and
``as_data`` (how a result is shown), ``conclude`` (what sums say, for both).
"""

from courtesy.stages.lift.conclude import conclude
from courtesy.stages.lift.measure import MERGES, Plan, measure
from courtesy.stages.lift.measure_file import FilePlan, measure_file
from courtesy.stages.lift.model import (
    CONVERSION,
    COUNT,
    SUM,
    Comparison,
    Design,
    Lift,
    Metric,
    Notice,
    Outcome,
    Ratio,
)
from courtesy.stages.lift.report import as_data, as_text

__all__ = [
    "CONVERSION",
    "COUNT",
    "MERGES",
    "SUM",
    "Comparison",
    "Design",
    "FilePlan",
    "Lift",
    "Metric",
    "Notice",
    "Outcome",
    "Plan",
    "Ratio",
    "as_data",
    "as_text",
    "conclude",
    "measure",
    "measure_file",
]
