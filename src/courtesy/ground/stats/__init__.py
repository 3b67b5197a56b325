"""Estimators, intervals and tests over frozen, addable sufficient statistics.

In: counts, means and scatter of groups. Out: effects with intervals and p-values, in arrays of
whatever shape the groups have. Knows nothing of people or campaigns.
Verbs: ``mean_of``, ``ratios``, ``adjusted`` (an arm's value), ``compare`` (two arms), and
``chi_square``, ``sequential`` (the sample ratio), under ``Fixed`` or ``AlwaysValid``.
"""

from courtesy.ground.stats.cuped import adjusted
from courtesy.ground.stats.effect import Effect, compare
from courtesy.ground.stats.estimate import Estimate, mean_of, ratios
from courtesy.ground.stats.moments import Array, Moments
from courtesy.ground.stats.multiplicity import benjamini_hochberg, holm
from courtesy.ground.stats.rule import DEFAULT_ALPHA, AlwaysValid, Fixed, Rule
from courtesy.ground.stats.sample_ratio import ALARM, chi_square, sequential

__all__ = [
    "ALARM",
    "DEFAULT_ALPHA",
    "AlwaysValid",
    "Array",
    "Effect",
    "Estimate",
    "Fixed",
    "Moments",
    "Rule",
    "adjusted",
    "benjamini_hochberg",
    "chi_square",
    "compare",
    "holm",
    "mean_of",
    "ratios",
    "sequential",
]
