"""Estimators, intervals and tests over frozen, addable sufficient statistics.

In: counts, means and scatter of groups. Out: effects with intervals and p-values, in arrays of
whatever shape the groups have. Knows nothing of people or campaigns.
Verbs: ``mean_of``, ``ratios``, ``adjusted``, ``post_stratified`` (an arm's value), ``compare`` and
``compare_quantile`` (two arms, under ``Fixed`` or ``AlwaysValid``), ``shrunk`` (many segments),
``holm``, ``benjamini_hochberg`` (many comparisons), ``chi_square``, ``sequential`` (the sample
ratio), ``people_needed``, ``power`` (a plan), ``winsorised``.
"""

from courtesy.ground.stats.cuped import adjusted
from courtesy.ground.stats.effect import Effect, compare
from courtesy.ground.stats.estimate import Estimate, mean_of, ratios
from courtesy.ground.stats.moments import Array, Moments
from courtesy.ground.stats.multiplicity import benjamini_hochberg, holm
from courtesy.ground.stats.power import Sizing, people_needed, power
from courtesy.ground.stats.quantiles import QuantileEffect, compare_quantile
from courtesy.ground.stats.rule import DEFAULT_ALPHA, AlwaysValid, Fixed, Rule
from courtesy.ground.stats.sample_ratio import ALARM, chi_square, sequential
from courtesy.ground.stats.segments import Segments, shrunk
from courtesy.ground.stats.strata import post_stratified
from courtesy.ground.stats.winsorise import winsorised

__all__ = [
    "ALARM",
    "DEFAULT_ALPHA",
    "AlwaysValid",
    "Array",
    "Effect",
    "Estimate",
    "Fixed",
    "Moments",
    "QuantileEffect",
    "Rule",
    "Segments",
    "Sizing",
    "adjusted",
    "benjamini_hochberg",
    "chi_square",
    "compare",
    "compare_quantile",
    "holm",
    "mean_of",
    "people_needed",
    "post_stratified",
    "power",
    "ratios",
    "sequential",
    "shrunk",
    "winsorised",
]
