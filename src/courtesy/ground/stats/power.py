"""How many people a pilot needs, and how surely it finds an effect of a given size.

Sources: Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", for one look; for
ratio metrics the variance of a unit's linear piece (Deng, Knoblich & Lu 2018); for CUPED the share
of variance that history explains (Deng et al. 2013).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.cuped import adjusted
from courtesy.ground.stats.effect import information
from courtesy.ground.stats.estimate import Estimate
from courtesy.ground.stats.moments import Array, Moments
from courtesy.ground.stats.rule import Rule

_MOST = 1e12


@dataclass(frozen=True)
class Pilot:
    """Two arms that are to be compared.

    ``effect``: the difference worth finding, in the metric's unit. ``control_variance`` and
    ``treated_variance``: of one unit's value. ``treated_share``: the part of all units, 0 to 1.
    """

    effect: float
    control_variance: float
    treated_variance: float
    treated_share: float = 0.5

    @classmethod
    def of_shares(cls, control: float, treated: float, treated_share: float = 0.5) -> "Pilot":
        """A pilot on a proportion that should move from ``control`` to ``treated``, both 0 to 1."""
        ends = control * (1 - control), treated * (1 - treated)
        return cls(treated - control, *ends, treated_share)

    @classmethod
    def of_history(cls, effect: float, history: Moments, treated_share: float = 0.5) -> "Pilot":
        """A pilot on people like those of the past.

        Args:
            effect: the difference worth finding.
            history: moments of the metric (for a ratio: of its linear pieces, by ``ratios``), then
                of covariates, which take out what they explain.
            treated_share: the part of all units that is treated.
        """
        (past,) = adjusted([history])
        variance = float(past.variance * past.units)
        return cls(effect, variance, variance, treated_share)


def power(pilot: Pilot, units: npt.ArrayLike, rule: Rule) -> Array:
    """The chance that the interval leaves out zero with so many units of both arms, at that look.

    Under an always-valid rule this is the chance at the last look; any earlier one adds to it.
    """
    given = np.asarray(units, dtype=np.float64)
    treated, control = given * pilot.treated_share, given * (1 - pilot.treated_share)
    arms = rule.steadied(
        Estimate(np.zeros(()), pilot.control_variance / control, control),
        Estimate(np.asarray(pilot.effect), pilot.treated_variance / treated, treated),
    )
    reach = rule.reach(information(control, treated), np.maximum(given - 2, 1))
    shift = abs(pilot.effect) / np.sqrt(arms[0].variance + arms[1].variance)
    return np.asarray(stats.norm.sf(reach - shift) + stats.norm.sf(reach + shift))


def people_needed(pilot: Pilot, rule: Rule, chance: float = 0.8) -> int:
    """The fewest units of both arms together that find the effect with this ``chance``.

    Raises:
        DataError: no number of units does, because the effect is zero or an arm has no share.
    """
    if not pilot.effect or not 0 < pilot.treated_share < 1 or not 0 < chance < 1:
        raise DataError("It takes an effect, two arms with people, and a chance below 1.")

    def lacking(log_units: float) -> float:
        return float(power(pilot, np.exp(log_units), rule)) - chance

    most = float(np.log(_MOST))
    if lacking(most) < 0:
        raise DataError(f"Even {_MOST:.0e} people would not be enough.")
    return int(np.ceil(np.exp(optimize.brentq(lacking, np.log(4.0), most))))
