"""An effect as it was known day by day."""

from dataclasses import replace

import numpy as np
import pytest

from courtesy.ground.stats import AlwaysValid, Array, Fixed, Moments
from courtesy.stages.lift import Design, Outcome, Tally, conclude, looks
from courtesy.stages.lift.model import MEAN

random = np.random.default_rng(61)
DAYS = ["2026-03-01", "2026-03-02", "2026-03-04"]
ARMS = ("control", "free", "half")
ROWS = {day: {arm: random.gamma(2, 3, (80, 2)) for arm in ARMS} for day in DAYS}
UNITS = dict.fromkeys(ARMS, 240)
RULE = AlwaysValid(tuned_for=500)
DESIGN = Design("free-shipping", "control", UNITS, None, RULE)
PAIRS = ((0, None), (1, None))


def outcome(rows: dict[str, Array]) -> Outcome:
    return Outcome("spent", MEAN, {arm: Moments.of(rows[arm]) for arm in rows}, PAIRS)


def tallies() -> list[Tally]:
    return [Tally(day, dict.fromkeys(ARMS, 80), (outcome(ROWS[day]),)) for day in DAYS]


def until(day: str) -> dict[str, Array]:
    days = [known for known in DAYS if known <= day]
    return {arm: np.concatenate([ROWS[known][arm] for known in days]) for arm in ARMS}


@pytest.mark.parametrize("day", DAYS)
def test_each_day_says_what_all_people_until_then_say(day: str) -> None:
    everybody = conclude(DESIGN, [outcome(until(day))]).comparisons
    found = [look for look in looks(DESIGN, tallies()) if look.day == day]
    assert [look.arm for look in found] == ["free", "half"]
    for look, shown in zip(found, everybody, strict=True):
        assert look.units == shown.control_units + shown.arm_units
        for name in ("effect", "effect_low", "effect_high"):
            assert getattr(look, name) == pytest.approx(getattr(shown, name), rel=1e-9)


def test_the_order_in_which_days_are_given_does_not_matter() -> None:
    assert looks(DESIGN, tallies()[::-1]) == looks(DESIGN, tallies())


def test_under_a_rule_for_one_look_the_sequence_still_holds_at_every_look() -> None:
    one_look = looks(replace(DESIGN, rule=Fixed(0.1)), tallies())
    assert one_look == looks(replace(DESIGN, rule=AlwaysValid(0.1)), tallies())


def test_a_day_on_which_nobody_of_an_arm_is_there_adds_nothing_to_it() -> None:
    first, second, third = tallies()
    kept = {arm: first.outcomes[0].moments[arm] for arm in ("control", "half")}
    first = replace(first, outcomes=(replace(first.outcomes[0], moments=kept),))
    found = [look for look in looks(DESIGN, [first, second, third]) if look.arm == "free"]
    assert found[0].effect is None
    assert [look.units for look in found] == [80, 240, 400]
    assert found[1].effect_low is not None


def test_days_of_nobody_and_groups_that_chance_did_not_make_have_no_effect() -> None:
    assert looks(DESIGN, []) == ()
    assert looks(replace(DESIGN, randomised=False), tallies()) == ()


def test_a_metric_that_starts_late_is_unknown_before() -> None:
    first, *rest = tallies()
    found = looks(DESIGN, [replace(first, outcomes=()), *rest])
    assert [look.effect is None for look in found if look.arm == "free"] == [True, False, False]
