"""Did it help? Exposures and outcomes in; effects with honest intervals out.

Verbs: ``check`` (definitions of metrics), ``measure`` and ``tallies`` (an experiment in the home),
``segmented`` (its people as they were at exposure), ``measure_file`` (outside data), ``conclude``
(what sums say, for both), ``looks``, ``spreads``,
``factor_effects``, ``on_treated``, ``triggered`` and ``stratified`` (what they say beside that),
``verdict``, ``sentence`` and ``advice`` (what it comes down to), ``as_text`` and ``as_data`` (how a
result is shown).
"""

from courtesy.stages.lift.advice import advice
from courtesy.stages.lift.check import check
from courtesy.stages.lift.conclude import conclude
from courtesy.stages.lift.estimates import corrected
from courtesy.stages.lift.factors import factor_effects
from courtesy.stages.lift.limits import futile, guarded
from courtesy.stages.lift.looks import looks
from courtesy.stages.lift.measure import design_of, measure
from courtesy.stages.lift.measure_file import FilePlan, measure_file
from courtesy.stages.lift.model import (
    CONVERSION,
    COUNT,
    SUM,
    TIME,
    Advice,
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
from courtesy.stages.lift.segment import Segmented, segment_notices, segmented
from courtesy.stages.lift.spreads import spreads
from courtesy.stages.lift.strata import stratified
from courtesy.stages.lift.tally import MERGES, SEGMENTS, By, tallies
from courtesy.stages.lift.treated import on_treated
from courtesy.stages.lift.triggered import trigger_notices, triggered
from courtesy.stages.lift.verdict import association, decided, sentence, verdict

__all__ = [
    "CONVERSION",
    "COUNT",
    "DAY",
    "MERGES",
    "SEGMENTS",
    "SUM",
    "TIME",
    "UNKNOWN",
    "Advice",
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
    "Segmented",
    "Tally",
    "advice",
    "as_data",
    "as_text",
    "association",
    "check",
    "conclude",
    "corrected",
    "decided",
    "design_of",
    "factor_effects",
    "futile",
    "guarded",
    "looks",
    "measure",
    "measure_file",
    "on_treated",
    "segment_notices",
    "segmented",
    "sentence",
    "spreads",
    "stratified",
    "tallies",
    "trigger_notices",
    "triggered",
    "verdict",
]
