"""The effect on those who came to the trigger, and on everybody."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from courtesy.ground.stats import Fixed, Moments
from courtesy.stages.lift import (
    Design,
    Outcome,
    Tally,
    conclude,
    trigger_notices,
    triggered,
)
from courtesy.stages.lift.model import MEAN, RATIO, Triggered

random = np.random.default_rng(79)
EXPOSED = {"control": 5_000, "free": 10_000}
CAME = {"control": 1_000, "free": 2_030}
DESIGN = Design("checkout", "control", EXPOSED, {"control": 1, "free": 2}, Fixed())
MOMENTS = {
    arm: Moments.of(random.normal(20 + 2 * (arm == "free"), 5, (units, 1)))
    for arm, units in CAME.items()
}
TALLY = Tally("", CAME, (Outcome("spent", MEAN, MOMENTS),), exposed=EXPOSED)


def one(tally: Tally = TALLY) -> Triggered:
    (found,) = triggered(DESIGN, tally)
    return found


def test_the_effect_is_that_on_those_who_came() -> None:
    (plain,) = conclude(replace(DESIGN, units=CAME), TALLY.outcomes).comparisons
    found = one()
    assert (found.effect, found.effect_low) == (plain.effect, plain.effect_low)
    assert found.units == 3_030
    assert found.share == pytest.approx(3_030 / 15_000)


def test_on_everybody_it_is_the_share_of_that() -> None:
    found = one()
    assert found.effect is not None
    assert found.diluted == pytest.approx(found.effect * found.share)
    assert found.effect_low is not None
    half = (found.effect - found.effect_low) * found.share
    assert found.diluted_low is not None
    assert found.diluted_high is not None
    assert half < (found.diluted_high - found.diluted_low) / 2 < 1.2 * half


def test_without_counts_of_its_own_everybody_is_the_designs() -> None:
    assert one(replace(TALLY, exposed={})) == one()


def test_a_ratio_has_no_figure_for_everybody() -> None:
    found = one(replace(TALLY, outcomes=(Outcome("basket", RATIO, MOMENTS),)))
    assert found.effect is not None
    assert (found.diluted, found.diluted_low, found.diluted_high) == (None, None, None)


def test_an_arm_to_which_nobody_came_is_not_compared() -> None:
    for arm in EXPOSED:
        assert triggered(DESIGN, replace(TALLY, units={**CAME, arm: 0})) == ()
    assert triggered(replace(DESIGN, randomised=False), TALLY) == ()


def test_arms_that_change_who_comes_are_named() -> None:
    assert list(trigger_notices(DESIGN, TALLY)) == []
    drawn = replace(TALLY, units={"control": 1_000, "free": 2_300})
    (notice,) = trigger_notices(DESIGN, drawn)
    oracle = stats.chi2_contingency([[1_000, 2_300], [4_000, 7_700]], correction=False).pvalue
    assert notice.name == "trigger_ratio"
    assert f"(p = {oracle:.2g})" in notice.detail


def test_clusters_that_came_are_held_against_their_shares() -> None:
    even = replace(TALLY, assigned={"control": 500, "free": 1_010})
    assert list(trigger_notices(DESIGN, even)) == []
    uneven = replace(TALLY, assigned={"control": 500, "free": 1_200})
    assert [notice.name for notice in trigger_notices(DESIGN, uneven)] == ["trigger_ratio"]
    assert list(trigger_notices(replace(DESIGN, shares=None), uneven)) == []


def test_where_everybody_or_nobody_came_there_is_nothing_to_ask() -> None:
    for units in (EXPOSED, dict.fromkeys(EXPOSED, 0)):
        assert list(trigger_notices(DESIGN, replace(TALLY, units=units))) == []


def test_with_clusters_the_share_rests_on_them() -> None:
    few = replace(DESIGN, assigned={"control": 50, "free": 100})
    (found,) = triggered(few, TALLY)
    plain = one()
    assert found.diluted == plain.diluted
    assert None not in {found.diluted_low, plain.diluted_low}
    assert (found.diluted_low or 0) < (plain.diluted_low or 0)
