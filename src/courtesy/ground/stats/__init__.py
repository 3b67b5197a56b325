"""Estimators, intervals and tests over frozen, addable sufficient statistics.

In: counts, means and scatter of groups. Out: effects with intervals and p-values, in arrays of
whatever shape the groups have. Knows nothing of people or campaigns.
Verbs: ``mean_of``, ``ratios``, ``adjusted``, ``post_stratified`` (an arm's value), ``averaged``
(several arms as one), ``compare`` and ``compare_quantile`` (two arms, under ``Fixed`` or
``AlwaysValid``), ``per_reached`` (those who got it), ``diluted`` (those who could not), ``evened``,
``shrunk`` and ``separate`` (segments),
``holm``, ``benjamini_hochberg`` (many comparisons), ``chi_square``, ``sequential`` (the sample
ratio), ``people_needed``, ``power``, ``quantile_moments`` (a plan), ``winsorised``.
"""

from courtesy.ground.stats.compliance import per_reached
from courtesy.ground.stats.contrast import averaged
from courtesy.ground.stats.cuped import adjusted
from courtesy.ground.stats.dilution import Diluted, diluted
from courtesy.ground.stats.effect import Difference, Effect, compare, difference, possible
from courtesy.ground.stats.estimate import FEW_OUTCOMES, Estimate, least_variances, mean_of, ratios
from courtesy.ground.stats.moments import Array, Moments
from courtesy.ground.stats.multiplicity import benjamini_hochberg, holm
from courtesy.ground.stats.power import Sizing, people_needed, power, quantile_moments
from courtesy.ground.stats.quantiles import (
    QuantileAlwaysValid,
    QuantileEffect,
    compare_quantile,
    fewest_for_quantile,
)
from courtesy.ground.stats.quotient import Quotient
from courtesy.ground.stats.rule import DEFAULT_ALPHA, AlwaysValid, Fixed, Rule
from courtesy.ground.stats.sample_ratio import ALARM, chi_square, sequential
from courtesy.ground.stats.segments import Segments, evened, separate, shrunk
from courtesy.ground.stats.strata import post_stratified
from courtesy.ground.stats.winsorise import winsorised

__all__ = [
    "ALARM",
    "DEFAULT_ALPHA",
    "FEW_OUTCOMES",
    "AlwaysValid",
    "Array",
    "Difference",
    "Diluted",
    "Effect",
    "Estimate",
    "Fixed",
    "Moments",
    "QuantileAlwaysValid",
    "QuantileEffect",
    "Quotient",
    "Rule",
    "Segments",
    "Sizing",
    "adjusted",
    "averaged",
    "benjamini_hochberg",
    "chi_square",
    "compare",
    "compare_quantile",
    "difference",
    "diluted",
    "evened",
    "fewest_for_quantile",
    "holm",
    "least_variances",
    "mean_of",
    "people_needed",
    "per_reached",
    "possible",
    "post_stratified",
    "power",
    "quantile_moments",
    "ratios",
    "separate",
    "sequential",
    "shrunk",
    "winsorised",
]
