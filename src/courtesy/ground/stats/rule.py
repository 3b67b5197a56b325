"""How far an interval reaches and what a p-value means, for one look or for any number."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy import special

from courtesy.ground.stats.estimate import Estimate
from courtesy.ground.stats.moments import Array

DEFAULT_ALPHA = 0.05
DEFAULT_TUNING = 10_000.0


class Rule(Protocol):
    """Turns standard errors into intervals and p-values, two-sided."""

    @property
    def alpha(self) -> float:
        """The share of wrong alarms that is accepted."""
        ...

    @property
    def name(self) -> str:
        """``fixed`` or ``always-valid``."""
        ...

    def steadied(self, control: Estimate, treated: Estimate) -> tuple[Estimate, Estimate]:
        """Both arms with the variances that the interval is to rest on."""
        ...

    def reach(self, units: Array, freedom: Array) -> Array:
        """Half the interval's width, in standard errors.

        Args:
            units: what both arms tell together, as the size of an even split that tells as much.
            freedom: degrees of freedom of the standard error.
        """
        ...

    def p_value(self, score: Array, units: Array, freedom: Array) -> Array:
        """The smallest alpha at which the interval would leave out zero."""
        ...

    def surprise(self, hits: Array, units: float, share: float) -> Array:
        """How surprising so many ``hits`` of ``units`` would be, were ``share`` their probability.

        On the scale of chi-square with one degree of freedom; surprises of independent arms add up.
        """
        ...

    @property
    def surprise_limit(self) -> float:
        """How much two arms that are compared may surprise together."""
        ...

    def surprise_p_value(self, surprise: Array) -> Array:
        """The smallest alpha whose limit is below this surprise."""
        ...


@dataclass(frozen=True)
class Fixed:
    """One look at a time that was set before: Student's t with the freedom given."""

    alpha: float = DEFAULT_ALPHA
    name: str = "fixed"

    def steadied(self, control: Estimate, treated: Estimate) -> tuple[Estimate, Estimate]:
        """Each arm has its own variance (Welch), or the least that it may have."""
        return _at_least(control, control.least), _at_least(treated, treated.least)

    def reach(self, units: Array, freedom: Array) -> Array:
        """The t quantile; ``units`` do not matter here."""
        del units
        return np.asarray(-special.stdtrit(freedom, self.alpha / 2))

    def p_value(self, score: Array, units: Array, freedom: Array) -> Array:
        """Two-sided p-value of Student's t."""
        del units
        return np.asarray(2 * special.stdtr(freedom, -np.abs(score)))

    def surprise(self, hits: Array, units: float, share: float) -> Array:
        """The likelihood ratio of the share that was seen (Wilks 1938)."""
        seen = special.rel_entr(hits, units * share)
        return np.asarray(2 * (seen + special.rel_entr(units - hits, units * (1 - share))))

    @property
    def surprise_limit(self) -> float:
        """The chi-square quantile: of two shares the one they have in common is free."""
        return float(special.chdtri(1, self.alpha))

    def surprise_p_value(self, surprise: Array) -> Array:
        """By chi-square."""
        return np.asarray(special.chdtrc(1, surprise))


@dataclass(frozen=True)
class AlwaysValid:
    """Any number of looks, at any time: an asymptotic confidence sequence.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), "Time-uniform central limit theory
    and asymptotic confidence sequences", theorem 2.2 (the boundary) and appendix B.2 (the mixture
    that is narrowest near ``tuned_for`` units). ``tuned_for`` has to be set before looking.

    The theorem says nothing about early looks, when an arm of few people may have seen no outcome
    at all and its own variance is far too small: with a holdout of 10 % and conversions of 1 %, a
    third of all A/A tests would then raise an alarm. So no arm counts as steadier than both arms
    together, and time is counted in units of an even split. ``tests/statistics`` has the figures.
    """

    alpha: float = DEFAULT_ALPHA
    tuned_for: float = DEFAULT_TUNING
    name: str = "always-valid"

    def steadied(self, control: Estimate, treated: Estimate) -> tuple[Estimate, Estimate]:
        """Each arm's variance for one unit is at least that of all units together.

        Where nothing varies within either arm it is the least that it may have. That is zero but
        for shares: two values, however often they were seen, do not tell how much is chance or
        rounding.
        """
        units = control.units + treated.units
        apart = np.square(treated.value - control.value) * control.units * treated.units
        squares = [a.variance * a.units * np.maximum(a.units - 1, 0) for a in (control, treated)]
        inside = squares[0] + squares[1]
        between = np.where(inside > 0, apart / np.maximum(units, 1), 0)
        whole = (inside + between) / np.maximum(units - 1, 1)
        pooled = [whole / np.maximum(arm.units, 1) for arm in (control, treated)]
        here, there = (
            np.where(inside > 0, own, arm.least)
            for own, arm in zip(pooled, (control, treated), strict=True)
        )
        return _at_least(control, here), _at_least(treated, there)

    def reach(self, units: Array, freedom: Array) -> Array:
        """The boundary at so many units, in standard errors."""
        del freedom
        grown = self._growth(units)
        with np.errstate(divide="ignore"):
            wide = (1 + 1 / grown) * (np.log1p(grown) - 2 * np.log(self.alpha))
        return np.asarray(np.sqrt(wide))

    def p_value(self, score: Array, units: Array, freedom: Array) -> Array:
        """The always-valid p-value at this look."""
        del freedom
        grown = self._growth(units)
        log_p = np.log1p(grown) / 2 - np.square(score) * grown / (2 * (1 + grown))
        return np.asarray(np.exp(np.minimum(log_p, 0)))

    def surprise(self, hits: Array, units: float, share: float) -> Array:
        """The likelihood mixed over a beta law around the share: a martingale if that is true.

        The law is as wide as makes it surprise soonest near ``tuned_for`` units of both arms.
        """
        size = 1 / float(self._growth(np.asarray(2.0)))  # an arm has half of the units
        yes, no = size * share, size * (1 - share)
        mixed = special.betaln(hits + yes, units - hits + no) - special.betaln(yes, no)
        alone = special.xlogy(hits, share) + special.xlog1py(units - hits, -share)
        return np.asarray(2 * (mixed - alone))

    @property
    def surprise_limit(self) -> float:
        """By Ville's inequality."""
        return float(-2 * np.log(self.alpha))

    def surprise_p_value(self, surprise: Array) -> Array:
        """By Ville's inequality."""
        return np.asarray(np.exp(-np.maximum(surprise, 0) / 2))

    def _growth(self, units: Array) -> Array:
        doubt = -2 * np.log(self.alpha)
        return np.asarray(units * (doubt + np.log1p(doubt)) / self.tuned_for)


def _at_least(arm: Estimate, variance: Array) -> Estimate:
    return replace(arm, variance=np.maximum(arm.variance, variance))
