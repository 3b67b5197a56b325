"""Who is treated and who is left alone.

In: people and an experiment. Out: the arm of each, and the moment of exposure.
Verbs: ``assign``; ``store`` keeps exposures.
"""

from courtesy.stages.experiments.assign import assign
from courtesy.stages.experiments.model import EXPOSURES, HOLDOUT, TREATED, Split

__all__ = ["EXPOSURES", "HOLDOUT", "TREATED", "Split", "assign"]
