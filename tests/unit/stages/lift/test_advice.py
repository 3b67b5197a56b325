"""What the plan of a pilot says to do now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import AlwaysValid, Fixed, Moments, Rule
from courtesy.stages.experiments import Change, Guardrail, Pilot
from courtesy.stages.lift import Advice, Design, Lift, Outcome, advice, conclude, futile, guarded
from courtesy.stages.lift.model import HIGHER, LOWER, PROPORTION

DAY = timedelta(days=1)
PILOT = Pilot(
    hypothesis="People who pay no shipping buy more often.",
    primary="bought",
    minimal_effect=Change(0.12, relative=True),
    decisions={
        "better": "Free shipping for everybody.",
        "worse": "Shipping stays.",
        "not_significant": "Shipping stays; nothing was learned.",
    },
    longest=28 * DAY,
    guardrails=(Guardrail("opted-out", Change(0.01)),),
    stops=frozenset({"harm", "futility"}),
)
UNITS = 40_000
CALM = 0.02


def outcome(metric: str, shares: Mapping[str, float], better: str) -> Outcome:
    moments = {arm: Moments.of_counts(UNITS, round(UNITS * p)) for arm, p in shares.items()}
    return Outcome(metric, PROPORTION, moments, better=better)


def seen(
    *bought: float, opted_out: tuple[float, ...] = (), rule: Rule | None = None, skew: int = 0
) -> Lift:
    """The lift of one or two arms; the control buys at 10 %, and 2 % of everybody opt out."""
    arms = ["control", "free", "half"][: len(bought) + 1]
    shares = dict.fromkeys(arms, 1.0)
    units = {arm: UNITS + skew * (arm == "control") for arm in arms}
    out = (CALM, *(opted_out or [CALM] * len(bought)))
    design = Design("shipping", "control", units, shares, rule or AlwaysValid(tuned_for=80_000))
    outcomes = [
        outcome("bought", dict(zip(arms, (0.10, *bought), strict=True)), HIGHER),
        outcome("opted-out", dict(zip(arms, out, strict=True)), LOWER),
    ]
    return conclude(design, outcomes)


def asked(lift: Lift, pilot: Pilot = PILOT, planned: int | None = 10**6, days: int = 3) -> Advice:
    return advice(lift, pilot, planned, days * DAY)


def said(found: Advice) -> tuple[str, str, bool]:
    return found.outcome, found.reason, found.stops


def test_while_nothing_is_shown_it_goes_on_and_is_not_called_a_result() -> None:
    found = asked(seen(0.106))
    assert said(found) == ("unknown", "running", False)
    assert found.sentence == "Nothing is shown yet: 80,000 of 1,000,000 are there."
    assert found.decision is None


def test_success_is_told_and_ends_nothing() -> None:
    found = asked(seen(0.13))
    assert said(found) == ("better", "running", False)
    assert found.arm == "free"
    assert "so it helps. The plan goes on: 80,000 of 1,000,000" in found.sentence


def test_a_worse_primary_ends_it() -> None:
    found = asked(seen(0.08))
    assert said(found) == ("worse", "harm", True)
    assert found.decision == "Shipping stays."


def test_harm_beyond_the_limit_of_a_guardrail_ends_it_however_good_it_is_else() -> None:
    found = asked(seen(0.13, opted_out=(0.06,)))
    assert said(found) == ("worse", "harm", True)
    assert found.sentence.startswith("free harms opted-out by more than the plan allows.")


def test_harm_within_the_limit_ends_nothing() -> None:
    lift = seen(0.106, opted_out=(0.027,))
    (shown,) = (one for one in lift.comparisons if one.metric == "opted-out")
    assert shown.effect_low is not None
    assert shown.effect_low > 0
    assert said(asked(lift)) == ("unknown", "running", False)


def test_an_effect_worth_having_that_is_ruled_out_ends_it() -> None:
    found = asked(seen(0.1005))
    assert said(found) == ("not_significant", "futility", True)
    assert found.sentence.endswith("The mix stays as it is. An effect worth having is ruled out.")
    assert found.decision == "Shipping stays; nothing was learned."


def test_futility_takes_every_arm() -> None:
    assert said(asked(seen(0.1005, 0.106))) == ("unknown", "running", False)
    assert said(asked(seen(0.1005, 0.1))) == ("not_significant", "futility", True)


def test_what_the_plan_does_not_name_ends_nothing() -> None:
    calm = replace(PILOT, stops=frozenset())
    assert said(asked(seen(0.08), calm)) == ("worse", "running", False)
    assert said(asked(seen(0.1005), calm)) == ("unknown", "running", False)


def test_the_planned_people_end_it_with_what_is_shown() -> None:
    assert said(asked(seen(0.13), planned=80_000)) == ("better", "planned", True)
    found = asked(seen(0.102), planned=80_000)
    assert said(found) == ("not_significant", "planned", True)
    assert "The mix stays as it is." in found.sentence


def test_the_longest_time_ends_it() -> None:
    found = asked(seen(0.102), days=28)
    assert said(found) == ("not_significant", "longest", True)
    assert found.sentence.endswith("Its time is over.")
    assert said(asked(seen(0.106), planned=None, days=27)) == ("unknown", "running", False)


def test_at_the_end_the_better_of_two_arms_counts_although_the_other_harms() -> None:
    lift = seen(0.13, 0.08)
    assert said(asked(lift)) == ("worse", "harm", True)
    found = asked(lift, planned=120_000)
    assert said(found) == ("better", "planned", True)
    assert found.arm == "free"


def test_harm_that_is_not_ruled_out_is_told_beside_success() -> None:
    found = asked(seen(0.13, opted_out=(0.029,)), planned=80_000)
    assert said(found) == ("better", "planned", True)
    assert found.sentence.endswith("Harm to opted-out is not ruled out.")


def test_a_broken_sample_ratio_comes_first_and_forbids_a_verdict() -> None:
    found = asked(seen(0.08, skew=5_000), planned=1)
    assert said(found) == ("unknown", "sample_ratio", False)
    assert found.arm is None
    assert found.sentence.endswith("End it and find out why.")


def test_a_plan_may_end_where_the_arms_do_not_have_their_people() -> None:
    strict = replace(PILOT, stops=frozenset({"sample_ratio"}))
    assert said(asked(seen(0.08, skew=5_000), strict)) == ("unknown", "sample_ratio", True)
    assert said(asked(seen(0.08, skew=1_000), strict)) == ("unknown", "sample_ratio", False)
    assert said(asked(seen(0.106), strict)) == ("unknown", "running", False)


def test_an_alarm_of_one_look_forbids_a_verdict_and_ends_nothing() -> None:
    lift = seen(0.08, skew=1_000)
    assert lift.sample_ratio is not None
    assert not lift.sample_ratio.ok
    assert said(asked(lift)) == ("unknown", "sample_ratio", False)


@pytest.mark.parametrize("bought", [0.08, 0.1, 0.13])
def test_intervals_for_one_look_decide_at_the_end_only(bought: float) -> None:
    lift = seen(bought, opted_out=(0.06,), rule=Fixed())
    assert said(asked(lift)) == ("unknown", "running", False)
    assert said(asked(lift, planned=80_000)) == ("worse", "planned", True)


def test_a_guardrail_with_an_interval_for_one_look_decides_at_the_end_only() -> None:
    lift = seen(0.106, opted_out=(0.06,))
    one_look = [
        replace(one, method="fixed, quantile 50%") if one.metric == "opted-out" else one
        for one in lift.comparisons
    ]
    lift = replace(lift, comparisons=tuple(one_look))
    assert said(asked(lift)) == ("unknown", "running", False)
    assert said(asked(lift, planned=80_000)) == ("worse", "planned", True)


def test_what_was_not_measured_is_an_error() -> None:
    lift = seen(0.1)
    with pytest.raises(DataError, match="'visits', which was not measured"):
        asked(lift, replace(PILOT, primary="visits"))
    with pytest.raises(DataError, match="'returned', which was not measured"):
        asked(lift, replace(PILOT, guardrails=(Guardrail("returned", Change(0.01)),)))


@pytest.mark.parametrize(
    ("share", "state"), [(0.02, "held"), (0.03, "open"), (0.04, "broken"), (0.01, "held")]
)
def test_a_guardrail_is_held_open_or_broken(share: float, state: str) -> None:
    (shown,) = (
        one for one in seen(0.1, opted_out=(share,)).comparisons if one.metric == "opted-out"
    )
    assert guarded(shown, Guardrail("opted-out", Change(0.01))) == state
    assert guarded(shown, Guardrail("opted-out", Change(0.5, relative=True))) == state


def test_limits_are_not_judged_by_an_interval_without_ends() -> None:
    shown = seen(0.13).comparisons[0]
    unbounded = replace(shown, lift_low=None, lift_high=None)
    assert not futile(unbounded, Change(0.1, relative=True))
    assert not futile(shown, Change(0.02))
    assert futile(shown, Change(0.05))
    assert guarded(unbounded, Guardrail("bought", Change(0.1, relative=True))) == "open"
