"""Main effects and interactions of a factorial experiment, against the regression."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm

from courtesy.ground.stats import Array, Fixed, Moments, benjamini_hochberg
from courtesy.stages.experiments import Experiment
from courtesy.stages.lift import Design, Outcome, factor_effects
from courtesy.stages.lift.model import MEAN, FactorEffect

random = np.random.default_rng(71)
FACTORS = {"channel": ("email", "sms"), "content": ("plain", "story", "joke")}
LEVELS = {
    "+".join(levels): dict(zip(FACTORS, levels, strict=True))
    for levels in product(*FACTORS.values())
}
EXPERIMENT = Experiment(
    "synergy",
    None,
    None,
    dict.fromkeys(LEVELS, 1 / len(LEVELS)),
    "email+plain",
    FACTORS,
    LEVELS,
)
ROWS = {arm: random.normal(at, 3, 200 + 50 * at) for at, arm in enumerate(LEVELS)}
UNITS = {arm: len(rows) for arm, rows in ROWS.items()}
DESIGN = Design("synergy", "email+plain", UNITS, None, Fixed())


def outcome(rows: dict[str, Array]) -> Outcome:
    return Outcome(
        "spent", MEAN, {arm: Moments.of(values[:, None]) for arm, values in rows.items()}
    )


def found(*factors: str, levels: tuple[str, ...]) -> FactorEffect:
    every = factor_effects(DESIGN, [outcome(ROWS)], EXPERIMENT)
    (one,) = (e for e in every if e.factors == factors and e.levels == levels)
    return one


def oracle(weights: dict[str, float]) -> tuple[float, float]:
    """A contrast of the means of all arms, in a regression with a dummy for each."""
    arms = list(LEVELS)
    values = np.concatenate([ROWS[arm] for arm in arms])
    dummies = np.repeat(np.eye(len(arms)), [UNITS[arm] for arm in arms], axis=0)
    fitted = sm.OLS(values, dummies).fit(cov_type="HC2")
    tested = fitted.t_test([weights.get(arm, 0.0) for arm in arms])
    return float(np.squeeze(tested.effect)), float(np.squeeze(tested.sd))


def agrees(one: FactorEffect, weights: dict[str, float]) -> None:
    effect, error = oracle(weights)
    assert one.effect == pytest.approx(effect, rel=1e-9)
    assert one.effect_low is not None
    assert one.effect_high is not None
    assert (one.effect_high - one.effect_low) / 2 == pytest.approx(1.96 * error, rel=0.01)


def test_a_main_effect_averages_over_the_other_factor() -> None:
    contents = FACTORS["content"]
    weights = {f"sms+{content}": 1 / 3 for content in contents}
    weights |= {f"email+{content}": -1 / 3 for content in contents}
    agrees(found("channel", levels=("sms",)), weights)


def test_a_level_is_told_beside_the_first_and_leaves_the_others_out() -> None:
    weights = {"email+joke": 0.5, "sms+joke": 0.5, "email+plain": -0.5, "sms+plain": -0.5}
    agrees(found("content", levels=("joke",)), weights)


def test_an_interaction_is_the_difference_of_differences() -> None:
    weights = {"sms+story": 1.0, "sms+plain": -1.0, "email+story": -1.0, "email+plain": 1.0}
    agrees(found("channel", "content", levels=("sms", "story")), weights)


def test_what_is_told_are_all_levels_and_pairs_beside_the_first() -> None:
    every = factor_effects(DESIGN, [outcome(ROWS)], EXPERIMENT)
    assert [(one.factors, one.levels) for one in every] == [
        (("channel",), ("sms",)),
        (("content",), ("story",)),
        (("content",), ("joke",)),
        (("channel", "content"), ("sms", "story")),
        (("channel", "content"), ("sms", "joke")),
    ]


def test_p_values_are_corrected_over_all_metrics() -> None:
    other = replace(outcome(ROWS), metric="visits")
    every = factor_effects(DESIGN, [outcome(ROWS), other], EXPERIMENT)
    expected = benjamini_hochberg([one.p_value for one in every if one.p_value is not None])
    assert [one.p_discovery for one in every] == pytest.approx(list(expected))


def test_three_factors_of_two_levels_are_told_in_threes() -> None:
    """Synergy of two factors is averaged over the third, where arms interact in no other way."""
    factors = dict.fromkeys("abc", ("no", "yes"))
    levels = {
        "+".join(chosen): dict(zip(factors, chosen, strict=True))
        for chosen in product(*factors.values())
    }
    three = replace(EXPERIMENT, factors=factors, levels=levels, arms=dict.fromkeys(levels, 1 / 8))

    def mean(arm: dict[str, str]) -> float:
        a, b, c = (arm[name] == "yes" for name in "abc")
        return 1 + 2 * a + 3 * b + 4 * c + 5 * (a and b) + 7 * (a and b and c)

    noise = random.normal(size=50)
    noise -= noise.mean()
    rows = {arm: mean(chosen) + noise for arm, chosen in levels.items()}
    design = Design("three", "no+no+no", dict.fromkeys(levels, 50), None, Fixed())
    effects = {e.factors: e.effect for e in factor_effects(design, [outcome(rows)], three)}
    assert effects[("a",)] == pytest.approx(2 + 5 / 2 + 7 / 4)
    assert effects[("c",)] == pytest.approx(4 + 7 / 4)
    assert effects["a", "b"] == pytest.approx(5 + 7 / 2)
    assert effects["a", "c"] == pytest.approx(7 / 2)


def test_an_arm_without_people_leaves_what_rests_on_it_unknown() -> None:
    design = replace(DESIGN, units={**UNITS, "sms+joke": 0})
    every = factor_effects(design, [outcome(ROWS)], EXPERIMENT)
    unknown = [one.levels for one in every if one.effect is None]
    assert unknown == [("sms",), ("joke",), ("sms", "joke")]
    assert all(one.p_discovery is None for one in every if one.effect is None)


def test_without_factors_or_chance_there_is_nothing_to_tell() -> None:
    plain = replace(EXPERIMENT, factors={}, levels={})
    assert factor_effects(DESIGN, [outcome(ROWS)], plain) == ()
    assert factor_effects(replace(DESIGN, randomised=False), [outcome(ROWS)], EXPERIMENT) == ()
