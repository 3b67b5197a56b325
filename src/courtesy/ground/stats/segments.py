"""Effects by segment, drawn towards each other, so that the best of thirty does not fool anyone.

Sources: Morris (1983), "Parametric Empirical Bayes Inference: Theory and Applications", for the
shrunken effects and their intervals; Paule & Mandel (1982) for the true spread between segments;
Cochran (1954) for the test that there is any.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats.moments import Array
from courtesy.ground.stats.rule import DEFAULT_ALPHA

_FEWEST = 4


@dataclass(frozen=True, eq=False)
class Segments:
    """Shrunken effects ``(segments,)`` with their ends, in the metric's unit.

    ``overall``: the effect on all. ``spread``: the standard deviation of true effects between
    segments. ``p_value``: for there being no spread at all.
    """

    effect: Array
    low: Array
    high: Array
    overall: float
    spread: float
    p_value: float


def shrunk(effects: npt.ArrayLike, errors: npt.ArrayLike, alpha: float = DEFAULT_ALPHA) -> Segments:
    """What is left of the differences between segments once chance is taken out.

    Args:
        effects: each segment's own effect, ``(segments,)``.
        errors: their standard errors, above zero.
        alpha: the accepted share of intervals that miss, on average over the segments.

    Raises:
        DataError: there are fewer than four segments, or an error is not above zero.
    """
    own = np.asarray(effects, dtype=np.float64)
    noise = np.square(np.asarray(errors, dtype=np.float64))
    if len(own) < _FEWEST or not np.all(noise > 0) or not np.all(np.isfinite(own)):
        raise DataError("It takes four segments or more, each with an effect and an error above 0.")
    between = _between(own, noise)
    overall, certainty = _overall(own, noise, between)
    number = len(own)
    pull = (number - 3) / (number - 1) * noise / (noise + between)
    effect = own + pull * (overall - own)
    doubt = noise * (1 - pull) + np.square(pull) / certainty
    doubt += 2 / (number - 3) * np.square(pull * (own - overall))
    half = stats.norm.isf(alpha / 2) * np.sqrt(doubt)
    flat, weight = _overall(own, noise, 0.0)[0], 1 / noise
    homogeneous = float(stats.chi2.sf(np.sum(weight * np.square(own - flat)), number - 1))
    return Segments(
        effect, effect - half, effect + half, overall, float(np.sqrt(between)), homogeneous
    )


def _overall(own: Array, noise: Array, between: float) -> tuple[float, float]:
    weight = 1 / (noise + between)
    return float(np.sum(weight * own) / np.sum(weight)), float(np.sum(weight))


def _between(own: Array, noise: Array) -> float:
    """The variance between segments at which their scatter is what chance would make of it."""

    def surplus(between: float) -> float:
        middle, _ = _overall(own, noise, between)
        return float(np.sum(np.square(own - middle) / (noise + between))) - (len(own) - 1)

    most = float(np.sum(np.square(own - own.mean())))
    if surplus(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(surplus, 0.0, most))
