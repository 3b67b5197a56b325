"""What is taken off values that lie far from zero before they are summed up."""

import math
from collections.abc import Sequence

import numpy as np

from courtesy.ground.stats import Moments, ratios
from courtesy.stages.lift.model import PROPORTION, Outcome, Tally
from courtesy.stages.lift.plan import Plan
from courtesy.stages.lift.statement import Offsets

_FAR = 1_000.0
_BITS = 26


def offsets(plan: Plan, tallies: Sequence[Tally]) -> Offsets:
    """About what metrics and covariates are, where that is far from zero.

    Far is more than a thousand standard deviations, as units differ within their arm and group:
    below, the cancelling of squares costs less than a billionth of a variance.

    Args:
        plan: what was summed up.
        tallies: its sums without offsets.

    Returns:
        Of metric i its own offset and those of its covariates; 0 where it is near. Metrics that
        are near in all are left out, and so are shares.
    """
    found = {}
    for i, _ in enumerate(plan.means):
        about = _about([tally.outcomes[i] for tally in tallies])
        if any(about):
            found[i] = about
    return found


def _about(groups: Sequence[Outcome]) -> list[float]:
    if not groups or groups[0].kind == PROPORTION:
        return []
    pieces = [
        ratios(moments, outcome.pairs)
        for outcome in groups
        for moments in outcome.moments.values()
        if moments.count
    ]
    known = [piece for piece in pieces if np.isfinite(piece.mean).all()]
    return _far(known) if known else []


def _far(pieces: Sequence[Moments]) -> list[float]:
    count = sum(float(piece.count) for piece in pieces)
    mean = np.sum([piece.count * piece.mean for piece in pieces], axis=0) / count
    variance = np.sum([np.diagonal(piece.scatter) for piece in pieces], axis=0) / count
    far = np.abs(mean) > _FAR * np.sqrt(variance)
    return [_short(float(one)) if is_far else 0.0 for one, is_far in zip(mean, far, strict=True)]


def _short(value: float) -> float:
    """Half of a number's bits, so that its product with a count is exact (Dekker 1971)."""
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(fraction, _BITS)), exponent - _BITS)
