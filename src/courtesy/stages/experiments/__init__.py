"""Who is treated and who is left alone.

In: definitions, people and the time. Out: the arm of each, the moment of exposure, and what an
experiment taught. Verbs: ``assign``; ``store`` keeps exposures, pilots and learnings.
"""

from courtesy.stages.experiments.assign import (
    arms_of,
    assign,
    assign_many,
    expected_shares,
    is_held,
    moved,
    runs,
    share_at,
    split_of,
)
from courtesy.stages.experiments.model import (
    ASSIGNED,
    EXPOSED,
    EXPOSURES,
    HOLDOUT,
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

__all__ = [
    "ASSIGNED",
    "EXPOSED",
    "EXPOSURES",
    "HOLDOUT",
    "TREATED",
    "UNITS",
    "UNIVERSAL",
    "Change",
    "Experiment",
    "Guardrail",
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
    "expected_shares",
    "is_held",
    "moved",
    "runs",
    "share_at",
    "split_of",
]
