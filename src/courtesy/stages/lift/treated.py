"""The effect on those whom the treatment reached, beside that of the intention to treat."""

from collections.abc import Iterator, Sequence

import numpy as np

from courtesy.ground.stats import Moments, per_reached, ratios
from courtesy.stages.lift.estimates import number, present
from courtesy.stages.lift.model import RATIO, Design, OnTreated, Outcome

_BLOOM = "on those reached (Bloom 1984)"
_COMPLIERS = "on those whom only the arm reached (Imbens & Angrist 1994)"


def on_treated(design: Design, outcomes: Sequence[Outcome]) -> tuple[OnTreated, ...]:
    """The effect on those reached, of every arm on every metric for a person.

    Args:
        design: the arms; people whom chance did not assign tell nothing of it.
        outcomes: ``Tally.reached``: the second pair of each is whether the treatment reached.

    Returns:
        Nothing of ratio metrics, whose denominators differ between those reached and the others.
        The effect is None where the arms cannot be told apart by how many were reached.
    """
    if not design.randomised:
        return ()
    plain = [outcome for outcome in outcomes if outcome.kind != RATIO]
    return tuple(found for outcome in plain for found in _of(design, outcome))


def _of(design: Design, outcome: Outcome) -> Iterator[OnTreated]:
    arms = {arm: ratios(outcome.moments[arm], outcome.pairs) for arm in present(design)}
    control = arms.pop(design.control)
    for arm, treated in arms.items():
        yield _one(design, outcome, arm, (control, treated))


def _one(design: Design, outcome: Outcome, arm: str, pair: tuple[Moments, Moments]) -> OnTreated:
    control, treated = (float(moments.mean[..., 1]) for moments in pair)
    found = per_reached(*pair, design.rule)
    farthest = outcome.bounds[1] - outcome.bounds[0]
    parts = [design.rule.name, outcome.kind, _COMPLIERS if control else _BLOOM]
    parts += ["clustered"] if outcome.clustered else []
    return OnTreated(
        arm=arm,
        metric=outcome.metric,
        reached=number(treated) or 0.0,
        control_reached=number(control) or 0.0,
        effect=number(found.value),
        effect_low=number(np.maximum(found.low, -farthest)),
        effect_high=number(np.minimum(found.high, farthest)),
        method=", ".join(parts),
    )
