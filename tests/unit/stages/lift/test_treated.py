"""The effect on those whom the treatment reached."""

from dataclasses import replace

import numpy as np
import pytest

from courtesy.ground.stats import Array, Fixed, Moments, per_reached, ratios
from courtesy.stages.lift import Design, Outcome, conclude, on_treated
from courtesy.stages.lift.model import MEAN, RATIO, OnTreated

random = np.random.default_rng(73)
UNITS = {"control": 2_000, "mail": 2_000}
DESIGN = Design("welcome", "control", UNITS, None, Fixed())


def people(arm: str, control_reached: float = 0.0) -> Array:
    share = 0.5 if arm == "mail" else control_reached
    got = random.random(UNITS[arm]) < share
    return np.column_stack([random.normal(10, 2, UNITS[arm]) + 3 * got, got])


def spent(control_reached: float = 0.0) -> Outcome:
    moments = {arm: Moments.of(people(arm, control_reached)) for arm in UNITS}
    return Outcome("spent", MEAN, moments, ((0, None), (1, None)))


def one(outcome: Outcome) -> OnTreated:
    (found,) = on_treated(DESIGN, [outcome])
    return found


def test_it_is_the_effect_over_the_share_reached() -> None:
    outcome = spent()
    found = one(outcome)
    (whole,) = conclude(DESIGN, [replace(outcome, pairs=((0, None),))]).comparisons
    assert whole.effect is not None
    assert found.effect == pytest.approx(whole.effect / found.reached)
    assert found.control_reached == 0
    assert found.reached == pytest.approx(0.5, abs=0.04)
    assert found.method == "fixed, mean, on those reached (Bloom 1984)"
    assert found.effect == pytest.approx(3, abs=0.4)


def test_where_the_control_was_reached_too_it_is_told_for_whom() -> None:
    found = one(spent(control_reached=0.1))
    assert found.control_reached == pytest.approx(0.1, abs=0.03)
    assert "whom only the arm reached" in found.method
    assert found.effect_low is not None
    assert found.effect_high is not None
    assert found.effect_low < 3 < found.effect_high


def test_where_as_many_were_reached_in_both_arms_nothing_is_told() -> None:
    found = one(spent(control_reached=0.5))
    assert (found.effect, found.effect_low, found.effect_high) == (None, None, None)
    assert found.reached > 0


def test_clusters_count_each_person() -> None:
    moments = {}
    for arm, clusters in (("control", 300), ("mail", 300)):
        size = random.integers(1, 6, clusters)
        got = random.binomial(size, 0.6 if arm == "mail" else 0.0)
        total = 10 * size + 3 * got + random.normal(size=clusters)
        moments[arm] = Moments.of(np.column_stack([total, size, got]))
    outcome = Outcome("spent", MEAN, moments, ((0, 1), (2, 1)), clustered=True)
    found = one(outcome)
    arms = [ratios(moments[arm], outcome.pairs) for arm in ("control", "mail")]
    oracle = per_reached(arms[0], arms[1], Fixed())
    assert found.effect == pytest.approx(float(oracle.value))
    assert found.effect == pytest.approx(3, abs=0.3)
    assert found.reached == pytest.approx(0.6, abs=0.05)
    assert found.method.endswith("clustered")


def test_ratios_and_groups_that_chance_did_not_make_tell_nothing() -> None:
    assert on_treated(DESIGN, [replace(spent(), kind=RATIO)]) == ()
    assert on_treated(replace(DESIGN, randomised=False), [spent()]) == ()
