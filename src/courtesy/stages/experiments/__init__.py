"""Who is treated and who is left alone.

In: definitions, people and the time. Out: the arm of each, the moment of exposure, and what an
experiment taught. Verbs: ``check``, ``assign``, ``keep`` (what people are like at exposure),
``frozen`` and ``changed``; ``store`` keeps exposures, pilots and learnings.
"""

from courtesy.stages.experiments.assign import (
    arms_of,
    assign,
    assign_many,
    expected_shares,
    is_held,
    moved,
    rivals,
    runs,
    share_at,
    split_of,
)
from courtesy.stages.experiments.check import check, check_inline
from courtesy.stages.experiments.freeze import changed, frozen
from courtesy.stages.experiments.keep import keep
from courtesy.stages.experiments.model import (
    ASSIGNED,
    EXPOSED,
    EXPOSURES,
    HOLDOUT,
    KEPT,
    TREATED,
    UNITS,
    UNIVERSAL,
    Change,
    Experiment,
    Guardrail,
    Layer,
    Learning,
    Observed,
    Pilot,
    Ramp,
    Split,
    Standing,
)
from courtesy.stages.experiments.reader import Known
from courtesy.stages.experiments.traffic import check_layers

__all__ = [
    "ASSIGNED",
    "EXPOSED",
    "EXPOSURES",
    "HOLDOUT",
    "KEPT",
    "TREATED",
    "UNITS",
    "UNIVERSAL",
    "Change",
    "Experiment",
    "Guardrail",
    "Known",
    "Layer",
    "Learning",
    "Observed",
    "Pilot",
    "Ramp",
    "Split",
    "Standing",
    "arms_of",
    "assign",
    "assign_many",
    "changed",
    "check",
    "check_inline",
    "check_layers",
    "expected_shares",
    "frozen",
    "is_held",
    "keep",
    "moved",
    "rivals",
    "runs",
    "share_at",
    "split_of",
]
