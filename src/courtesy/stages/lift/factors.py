"""What each factor of a factorial experiment does, and what two do beyond their sum."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

from courtesy.ground.stats import Estimate, averaged, benjamini_hochberg, compare
from courtesy.stages.experiments import Experiment
from courtesy.stages.lift.estimates import number, of_arms
from courtesy.stages.lift.model import Design, FactorEffect, Outcome

_Chosen = Mapping[str, str]
_DIFFERENCES = 2.0


def factor_effects(
    design: Design, outcomes: Sequence[Outcome], experiment: Experiment
) -> tuple[FactorEffect, ...]:
    """Main effects and interactions, beside each factor's first level.

    A main effect is averaged over the levels of the other factors, each counting the same however
    many people it has. An interaction is the difference of differences, likewise averaged.

    Args:
        design: the arms and how sure we want to be.
        outcomes: one for each metric.
        experiment: ``factors`` and ``levels``; without factors there is nothing to tell.

    Returns:
        With p-values corrected over all of them (Benjamini-Hochberg), as they are for exploring.
        Where an arm has nobody, effects that rest on it are None.
    """
    if not design.randomised:
        return ()
    found = [effect for outcome in outcomes for effect in _effects(design, outcome, experiment)]
    p_values = [math.nan if one.p_value is None else one.p_value for one in found]
    pairs = zip(found, benjamini_hochberg(p_values), strict=True)
    return tuple(replace(effect, p_discovery=number(p)) for effect, p in pairs)


def _effects(design: Design, outcome: Outcome, experiment: Experiment) -> Iterator[FactorEffect]:
    arms = of_arms(design, outcome)
    for size in (1, 2):
        for factors in combinations(experiment.factors, size):
            for levels in product(*(experiment.factors[factor][1:] for factor in factors)):
                sides = _sides(experiment, dict(zip(factors, levels, strict=True)))
                yield _effect(design, outcome.metric, (factors, levels), sides, arms)


def _sides(experiment: Experiment, chosen: _Chosen) -> tuple[list[str], list[str]]:
    """The arms that count against and for: an even number of first levels counts for them."""
    against: list[str] = []
    count_for: list[str] = []
    for arm, levels in experiment.levels.items():
        first = [levels[factor] == experiment.factors[factor][0] for factor in chosen]
        other = [levels[factor] == level for factor, level in chosen.items()]
        if all(a or b for a, b in zip(first, other, strict=True)):
            (against if sum(first) % 2 else count_for).append(arm)
    return against, count_for


def _effect(
    design: Design,
    metric: str,
    what: tuple[tuple[str, ...], tuple[str, ...]],
    sides: tuple[list[str], list[str]],
    arms: Mapping[str, Estimate],
) -> FactorEffect:
    factors, levels = what
    effect = FactorEffect(metric, factors, levels, None, None, None, None, None)
    if not all(arm in arms for side in sides for arm in side):
        return effect
    weight = _DIFFERENCES if len(factors) > 1 else 1.0
    against, count_for = (averaged([arms[arm] for arm in side], weight) for side in sides)
    shown = compare(against, count_for, design.rule)
    return replace(
        effect,
        effect=number(shown.effect),
        effect_low=number(shown.low),
        effect_high=number(shown.high),
        p_value=number(shown.p_value),
    )
