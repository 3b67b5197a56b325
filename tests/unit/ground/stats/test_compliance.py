"""The effect on those whom the treatment reached, against instrumental variables."""

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import optimize, stats
from statsmodels.sandbox.regression.gmm import IV2SLS, IVGMM

from courtesy.ground.stats import (
    AlwaysValid,
    Array,
    Fixed,
    Moments,
    Quotient,
    compare,
    mean_of,
    per_reached,
)

random = np.random.default_rng(41)
UNITS = 2_000
ASSIGNED = random.random(UNITS) < 0.4
WILLING = random.random(UNITS) < 0.6
REACHED = (WILLING & ASSIGNED) | (random.random(UNITS) < 0.05)
BEFORE = random.normal(size=UNITS)
OUTCOME = 3 + 2 * REACHED + WILLING + BEFORE + random.normal(size=UNITS)


def arms(*columns: ArrayLike) -> tuple[Moments, Moments]:
    rows = np.stack([np.asarray(column) for column in columns], axis=-1).astype(np.float64)
    return Moments.of(rows[~ASSIGNED]), Moments.of(rows[ASSIGNED])


def found(*columns: ArrayLike) -> Quotient:
    return per_reached(*arms(*columns), Fixed())


def design(who: ArrayLike) -> Array:
    return np.column_stack([np.ones(UNITS), np.asarray(who)]).astype(np.float64)


def test_the_effect_is_that_of_two_stage_least_squares() -> None:
    oracle = IV2SLS(OUTCOME, design(REACHED), design(ASSIGNED)).fit()
    assert float(found(OUTCOME, REACHED).value) == pytest.approx(oracle.params[1], rel=1e-9)


def test_the_interval_is_that_of_robust_instrumental_variables() -> None:
    oracle = IVGMM(OUTCOME, design(REACHED), design(ASSIGNED)).fit(
        maxiter=2, optim_args={"disp": 0}
    )
    half = stats.norm.isf(0.025) * oracle.bse[1]
    ours = found(OUTCOME, REACHED)
    assert float(ours.high - ours.low) / 2 == pytest.approx(half, rel=5e-3)


def test_covariates_take_out_noise_and_move_the_effect_little() -> None:
    plain, adjusted = found(OUTCOME, REACHED), found(OUTCOME, REACHED, BEFORE)
    assert float(adjusted.value) == pytest.approx(2, abs=0.25)
    assert float(adjusted.high - adjusted.low) < 0.85 * float(plain.high - plain.low)


def test_where_everybody_was_reached_it_is_the_effect_itself() -> None:
    control, treated = arms(OUTCOME, ASSIGNED)
    ours = per_reached(control, treated, Fixed())
    effect = compare(mean_of(control), mean_of(treated), Fixed())
    for ratio, difference in ((ours.value, effect.effect), (ours.low, effect.low)):
        assert float(ratio) == pytest.approx(float(difference), rel=1e-9)


def test_at_any_look_a_small_control_that_saw_nothing_is_not_taken_for_sure() -> None:
    """With everybody reached it is as wide as the effect itself, whose arms are no steadier."""
    nothing = Moments.of(np.zeros((40, 2)))
    bought = (random.random(400) < 0.1).astype(np.float64)
    treated = Moments.of(np.stack([bought, np.ones(400)], axis=-1))
    ours = per_reached(nothing, treated, AlwaysValid())
    effect = compare(mean_of(nothing), mean_of(treated), AlwaysValid())
    assert float(ours.high) == pytest.approx(float(effect.high), rel=0.01)


def test_where_few_were_reached_the_ends_are_those_of_anderson_and_rubin() -> None:
    """Beyond each end, the outcome less so much for each reached one differs between the arms."""
    few = REACHED & (random.random(UNITS) < np.where(ASSIGNED, 0.05, 0.01))
    ours = found(OUTCOME, few)

    def doubt(effect: float) -> float:
        left = OUTCOME - effect * few
        return float(stats.ttest_ind(left[ASSIGNED], left[~ASSIGNED], equal_var=False)[1]) - 0.05

    middle = float(ours.value)
    assert float(ours.low) == pytest.approx(optimize.brentq(doubt, middle - 100, middle), rel=1e-3)
    assert float(ours.high) == pytest.approx(optimize.brentq(doubt, middle, middle + 100), rel=1e-3)


def test_where_nobody_more_was_reached_nothing_is_told() -> None:
    for reached in (WILLING, np.zeros(UNITS), np.ones(UNITS)):
        ours = found(OUTCOME, reached)
        assert np.isnan([ours.value, ours.low, ours.high]).all()


def test_any_look_costs_width() -> None:
    fixed, any_look = (
        per_reached(*arms(OUTCOME, REACHED), rule) for rule in (Fixed(), AlwaysValid())
    )
    assert float(any_look.value) == float(fixed.value)
    assert 1.2 < float((any_look.high - any_look.low) / (fixed.high - fixed.low)) < 2


def test_many_groups_at_once_are_as_each_alone() -> None:
    control, treated = arms(OUTCOME, REACHED, BEFORE)
    twice = [Moments.stacked([arm, arm]) for arm in (control, treated)]
    both = per_reached(twice[0], twice[1], Fixed())
    alone = per_reached(control, treated, Fixed())
    np.testing.assert_allclose(both.low, [alone.low, alone.low])
