"""How many people an experiment needs, and how surely it finds an effect of a given size.

Sources: Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", for one look; for
ratio metrics the variance of a unit's linear piece (Deng, Knoblich & Lu 2018); for CUPED the share
of variance that history explains (Deng et al. 2013); for a quantile the density around it, by
Siddiqui's (1960) difference quotient with the bandwidth of Hall & Sheather (1988), see Koenker
(2005), "Quantile Regression".
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.cuped import adjusted
from courtesy.ground.stats.effect import information
from courtesy.ground.stats.estimate import Estimate
from courtesy.ground.stats.moments import Array, Moments
from courtesy.ground.stats.quantiles import fewest_for_quantile, sample_quantile
from courtesy.ground.stats.rule import DEFAULT_ALPHA, Fixed, Rule

_FEWEST = 4.0
_MOST = 1e12


@dataclass(frozen=True)
class Sizing:
    """Two arms that are to be compared.

    ``effect``: the difference worth finding, in the metric's unit. ``control_variance`` and
    ``treated_variance``: of one unit's value. ``treated_share``: the part of all units, 0 to 1.
    """

    effect: float
    control_variance: float
    treated_variance: float
    treated_share: float = 0.5

    @classmethod
    def of_shares(cls, control: float, treated: float, treated_share: float = 0.5) -> "Sizing":
        """Two arms on a proportion that should move from ``control`` to ``treated`` (0 to 1)."""
        ends = control * (1 - control), treated * (1 - treated)
        return cls(treated - control, *ends, treated_share)

    @classmethod
    def of_history(cls, effect: float, history: Moments, treated_share: float = 0.5) -> "Sizing":
        """Two arms of people like those of the past.

        Args:
            effect: the difference worth finding.
            history: moments of the metric (for a ratio: of its linear pieces, by ``ratios``), then
                of covariates, which take out what they explain.
            treated_share: the part of all units that is treated.
        """
        (past,) = adjusted([history])
        variance = float(past.variance * past.units)
        return cls(effect, variance, variance, treated_share)


def quantile_moments(values: Array, quantile: float) -> Moments:
    """What a quantile has for moments: its value, and one unit's part in its variance.

    Args:
        values: outcomes of n people like those to come, ``(n,)``.
        quantile: between 0 and 1.

    Raises:
        DataError: there are too few for this quantile, it is not between 0 and 1, or so many share
            one value that the quantile stays where it is.
    """
    count, fewest = len(values), fewest_for_quantile(quantile, Fixed())
    if count < fewest:
        raise DataError(
            f"A quantile of {100 * quantile:.4g}% takes {fewest:,} people; found {count:,}."
        )
    width = min(_bandwidth(count, quantile), 0.99 * quantile, 0.99 * (1 - quantile))
    middle = sample_quantile(values, quantile)
    low, high = np.quantile(values, [quantile - width, quantile + width])
    if low == high:
        raise DataError(
            f"Around its {quantile:.0%} quantile everybody has {middle:g}; no effect shows there."
        )
    variance = quantile * (1 - quantile) * ((high - low) / (2 * width)) ** 2
    return Moments(np.asarray(float(count)), np.array([middle]), np.array([[count * variance]]))


def _bandwidth(count: int, quantile: float) -> float:
    normal = special.ndtri(quantile)
    steep = 1.5 * np.exp(-(normal**2)) / (2 * np.pi) / (2 * normal**2 + 1)
    reach = special.ndtri(1 - DEFAULT_ALPHA / 2)
    return float(count ** (-1 / 3) * reach ** (2 / 3) * steep ** (1 / 3))


def power(sizing: Sizing, units: npt.ArrayLike, rule: Rule) -> Array:
    """The chance that the interval leaves out zero with so many units of both arms, at that look.

    Under an always-valid rule this is the chance at the last look; any earlier one adds to it.
    """
    given = np.asarray(units, dtype=np.float64)
    treated, control = given * sizing.treated_share, given * (1 - sizing.treated_share)
    arms = rule.steadied(
        Estimate(np.zeros(()), sizing.control_variance / control, control),
        Estimate(np.asarray(sizing.effect), sizing.treated_variance / treated, treated),
    )
    reach = rule.reach(information(control, treated), np.maximum(given - 2, 1))
    with np.errstate(divide="ignore"):  # what does not vary is found for sure
        shift = abs(sizing.effect) / np.sqrt(arms[0].variance + arms[1].variance)
    return np.asarray(special.ndtr(shift - reach) + special.ndtr(-shift - reach))


def people_needed(sizing: Sizing, rule: Rule, chance: float = 0.8) -> int:
    """The fewest units of both arms together that find the effect with this ``chance``.

    Raises:
        DataError: no number of units does, because the effect is zero or an arm has no share.
    """
    if not sizing.effect or not 0 < sizing.treated_share < 1 or not 0 < chance < 1:
        raise DataError("It takes an effect, two arms with people, and a chance below 1.")
    from scipy import optimize  # noqa: PLC0415 - slow to load, and seldom needed

    def lacking(log_units: float) -> float:
        return float(power(sizing, np.exp(log_units), rule)) - chance

    fewest, most = float(np.log(_FEWEST)), float(np.log(_MOST))
    if lacking(most) < 0:
        raise DataError(f"Even {_MOST:.0e} people would not be enough.")
    if lacking(fewest) >= 0:
        return int(_FEWEST)
    return int(np.ceil(np.exp(optimize.brentq(lacking, fewest, most))))
