"""The effect on those whom the treatment reached, where it did not reach everybody in its arm.

The effect of being assigned over the share that assignment added, by Bloom (1984), "Accounting for
No-Shows in Experimental Evaluation Designs", and where some of the control are reached as well, by
Imbens & Angrist (1994), "Identification and Estimation of Local Average Treatment Effects": the
effect on those whom only their arm made reached. It presumes that assignment changes nothing
without reaching, and that it keeps nobody from being reached.
"""

from dataclasses import replace

import numpy as np

from courtesy.ground.stats.cuped import Slopes, levelled, slopes
from courtesy.ground.stats.effect import difference
from courtesy.ground.stats.estimate import Estimate, mean_of
from courtesy.ground.stats.moments import Array, Moments
from courtesy.ground.stats.quotient import Fraction, Quotient, quotient
from courtesy.ground.stats.rule import Rule

_OUTCOMES = 2


def per_reached(control: Moments, treated: Moments, rule: Rule) -> Quotient:
    """The effect of the treatment on one unit that it reached.

    Args:
        control: moments of (outcome, share reached, covariate 1, …); for a ratio or clusters, of
            their linear pieces.
        treated: the same of the other arm.
        rule: how sure the interval is. An interval of a ratio by Fieller's theorem holds at any
            look when the intervals of its differences do.

    Returns:
        The effect with its ends in the outcome's unit; all NaN where the shares reached cannot be
        told apart.
    """
    freedom = np.maximum(control.count - 1, 0) + np.maximum(treated.count - 1, 0)
    found = slopes(control.scatter + treated.scatter, freedom, outcomes=_OUTCOMES)
    arms = _adjusted(control, treated, found)
    apart = arms[1].mean - arms[0].mean
    ratio = apart[..., 0] / np.where(apart[..., 1] == 0, np.nan, apart[..., 1])
    pieces = [_piece(arm, ratio, found.share) for arm in arms]
    steadied = rule.steadied(pieces[0], pieces[1])
    extra = steadied[0].variance - pieces[0].variance + steadied[1].variance - pieces[1].variance
    spread = _spread(arms[0]) + _spread(arms[1])
    fraction = Fraction(
        top=apart[..., 0],
        bottom=apart[..., 1],
        top_variance=spread[..., 0, 0] + extra,
        bottom_variance=spread[..., 1, 1],
        covariance=spread[..., 0, 1],
    )
    return _where_told(fraction, difference(*steadied).reach(rule))


def _adjusted(control: Moments, treated: Moments, found: Slopes) -> list[Moments]:
    """Both arms with the same covariates, in their first two columns, as certain as that is."""
    centre = (control + treated).mean[..., _OUTCOMES:]
    level = [levelled(arm, found.value, centre) for arm in (control, treated)]
    more = found.more[..., None, None]
    return [replace(arm, scatter=arm.scatter * more) for arm in level]


def _spread(arm: Moments) -> Array:
    """The covariance of the arm's averages."""
    return arm.covariance / np.maximum(arm.count, 1)[..., None, None]


def _piece(arm: Moments, ratio: Array, share: Array) -> Estimate:
    """Outcome minus ratio times share reached: what has no difference between the arms."""
    known = np.nan_to_num(ratio)
    gradient = np.stack([np.ones_like(known), -known], axis=-1)[..., None, :]
    mean = np.einsum("...ij,...j->...i", gradient, arm.mean)
    found = mean_of(arm.mapped(mean, gradient))
    spent = np.maximum(arm.count - 1, 0) * share
    return replace(found, value=np.nan_to_num(found.value), spent=spent)


def _where_told(fraction: Fraction, reach: Array) -> Quotient:
    told = np.abs(fraction.bottom) > reach * np.sqrt(fraction.bottom_variance)
    found = quotient(fraction, reach)
    ends = (np.where(told, part, np.nan) for part in (found.value, found.low, found.high))
    return Quotient(*ends)
