"""Did each arm get the share of people that it was meant to get? If not, nothing else counts.

Sources: Pearson's chi-square for one look; for any number of looks the Dirichlet-multinomial
e-process of Lindon & Malek (2022), "Anytime-Valid Inference for Multinomial Count Data"
(arXiv 2011.03567). Where chance dealt in rounds of unlike shares, the differences are summed over
the rounds, as by Cochran (1954), "Some Methods for Strengthening the Common chi-square Tests", and
e-values are multiplied.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.moments import Array

ALARM = 0.01
_CONCENTRATION = 1_000.0
_ROUNDING = 1e-9


def chi_square(counts: npt.ArrayLike, shares: npt.ArrayLike) -> Array:
    """The p-value of counts against expected shares, for one look; one round is Pearson's test.

    Args:
        counts: people, ``(..., arms)``; where shares have rounds ``(..., rounds, arms)``.
        shares: expected shares ``(arms,)``, or of each round ``(rounds, arms)``; each round's are
            scaled to add up to one.

    Raises:
        DataError: a count is negative or a share is not above zero; in rounds it may be zero where
            it is above zero in another, and who is in such an arm all the same is not counted.
    """
    seen, share = _checked(counts, shares)
    people = seen.sum(axis=-1, keepdims=True)
    apart = (seen - people * share).sum(axis=-2)
    each = share[..., None] * (np.eye(share.shape[-1]) - share[..., None, :])
    spread = (people[..., None] * each).sum(axis=-3)
    inverse = np.linalg.pinv(spread, rcond=_ROUNDING, hermitian=True)
    distance = np.einsum("...i,...ij,...j->...", apart, inverse, apart)
    return np.asarray(special.chdtrc(seen.shape[-1] - 1, np.maximum(distance, 0)))


def sequential(counts: npt.ArrayLike, shares: npt.ArrayLike) -> Array:
    """A p-value that holds however often it is looked at: the inverse of the e-value, at most 1.

    Args:
        counts: people so far, as for ``chi_square``.
        shares: as for ``chi_square``.

    Raises:
        DataError: as ``chi_square`` does.
    """
    seen, expected = _checked(counts, shares)
    prior = _CONCENTRATION * np.where(expected > 0, expected, 1)
    log_e = np.sum(special.gammaln(prior + seen) - special.gammaln(prior), axis=-1)
    total = seen.sum(axis=-1)
    log_e += special.gammaln(_CONCENTRATION) - special.gammaln(_CONCENTRATION + total)
    log_e -= np.sum(seen * np.log(prior / _CONCENTRATION), axis=-1)
    return np.asarray(np.exp(np.minimum(-log_e.sum(axis=-1), 0)))


def _checked(counts: npt.ArrayLike, shares: npt.ArrayLike) -> tuple[Array, Array]:
    """People and shares by round and arm."""
    seen, share = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if np.any(seen < 0):
        raise DataError(f"A count of people cannot be negative; found {seen.min():g}.")
    if share.ndim == 1:
        seen, share = seen[..., None, :], share[None]
    if not np.all(share >= 0) or not np.all(np.isfinite(share)) or not np.all(share.max(axis=0)):
        raise DataError(f"Each arm's expected share should be above 0; found {share.tolist()}.")
    return np.where(share > 0, seen, 0.0), share / share.sum(axis=-1, keepdims=True)
