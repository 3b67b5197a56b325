"""Did each arm get the share of people that it was meant to get? If not, nothing else counts.

Sources: Pearson's chi-square for one look; for any number of looks the Dirichlet-multinomial
e-process of Lindon & Malek (2022), "Anytime-Valid Inference for Multinomial Count Data"
(arXiv 2011.03567).
"""

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.moments import Array

ALARM = 0.01
_CONCENTRATION = 1_000.0


def chi_square(counts: npt.ArrayLike, shares: npt.ArrayLike) -> Array:
    """The p-value of counts ``(..., arms)`` against expected shares ``(arms,)``, for one look.

    Raises:
        DataError: a count is negative or a share is not above zero.
    """
    seen, expected_share = _checked(counts, shares)
    expected = seen.sum(axis=-1, keepdims=True) * expected_share
    distance = np.square(seen - expected) / np.where(expected > 0, expected, 1)
    return np.asarray(stats.chi2.sf(distance.sum(axis=-1), seen.shape[-1] - 1))


def sequential(counts: npt.ArrayLike, shares: npt.ArrayLike) -> Array:
    """A p-value that holds however often it is looked at: the inverse of the e-value, at most 1.

    Args:
        counts: people so far, ``(..., arms)``.
        shares: expected shares ``(arms,)``; they are scaled to add up to one.

    Raises:
        DataError: a count is negative or a share is not above zero.
    """
    seen, expected = _checked(counts, shares)
    prior = _CONCENTRATION * expected
    log_e = np.sum(special.gammaln(prior + seen) - special.gammaln(prior), axis=-1)
    total = seen.sum(axis=-1)
    log_e += special.gammaln(_CONCENTRATION) - special.gammaln(_CONCENTRATION + total)
    log_e -= np.sum(seen * np.log(expected), axis=-1)
    return np.asarray(np.exp(np.minimum(-log_e, 0)))


def _checked(counts: npt.ArrayLike, shares: npt.ArrayLike) -> tuple[Array, Array]:
    seen, share = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if np.any(seen < 0):
        raise DataError(f"A count of people cannot be negative; found {seen.min():g}.")
    if not np.all(share > 0) or not np.all(np.isfinite(share)):
        raise DataError(f"Each arm's expected share should be above 0; found {share.tolist()}.")
    return seen, share / share.sum()
