"""Plans of pilots, and experiments that others ran: read, or refused at their place."""

import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.experiments import Change, Experiment, Guardrail, Known, check

KNOWN = Known(metrics=frozenset({"bought", "opted-out"}), audiences=frozenset({"vip"}))
PILOT = """
experiment: free-shipping
owner: ana@brand.example
arms: {paid: 1, free: 1}
plan:
  hypothesis: People who pay no shipping buy more often.
  primary: bought
  minimal_effect: 2%
  guardrails: [{metric: opted-out, harm: 0.005}]
  power: 90%
  alpha: 1%
  history: 28d
  longest: 4w
  stops: [harm, futility]
  decisions: {better: Offer it, worse: Never again, not_significant: Leave it}
"""
WATCHED = """
experiment: rewards
observed:
  at: 2018-01-18T00:00:00Z
  within: 1h
  arms: {offer: {did: offer received, where: {offer_id: a}}}
  control: none
  randomised: true
  carry_over: 10d
metrics: [bought]
"""


def read(text: str) -> Experiment:
    return check(read_yaml("experiments/it.yaml", textwrap.dedent(text).lstrip()), KNOWN)


def changed(old: str, new: str, text: str = PILOT) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_a_plan_is_read_to_the_last_field() -> None:
    plan = read(PILOT).pilot
    assert plan is not None
    assert plan.hypothesis == "People who pay no shipping buy more often."
    assert (plan.primary, plan.minimal_effect) == ("bought", Change(0.02, relative=True))
    assert plan.guardrails == (Guardrail("opted-out", Change(0.005)),)
    assert (plan.power, plan.alpha) == pytest.approx((0.9, 0.01))
    assert (plan.history, plan.longest) == (timedelta(days=28), timedelta(days=28))
    assert plan.stops == {"harm", "futility"}
    assert plan.decisions == {
        "better": "Offer it",
        "worse": "Never again",
        "not_significant": "Leave it",
    }


def test_what_others_ran_is_observed() -> None:
    found = read(WATCHED)
    assert found.observed is not None
    assert found.observed.at == datetime(2018, 1, 18, tzinfo=UTC)
    assert (found.observed.window, found.observed.carry_over) == (
        timedelta(hours=1),
        timedelta(days=10),
    )
    assert found.observed.randomised
    assert set(found.observed.arms) == {"offer"}
    assert found.observed.arms["offer"].event == "offer received"
    assert (found.control, set(found.arms)) == ("none", {"none", "offer"})


def test_chance_is_not_claimed_where_nobody_said_so() -> None:
    found = read(changed("  randomised: true\n", "", WATCHED))
    assert found.observed is not None
    assert not found.observed.randomised


COMPLAINTS = {
    "arms and observed": (
        changed("metrics: [bought]", "arms: {a: 1, b: 1}", WATCHED),
        "it.yaml:1: ",
        "found arms and observed",
    ),
    "a pilot of nobody": (changed("owner: ana@brand.example\n", ""), ":3: plan: ", "has an owner"),
    "no hypothesis": (
        changed("People who pay no shipping buy more often.", '""'),
        ":5: plan.hypothesis: ",
        "pattern",
    ),
    "a primary metric that is not there": (
        changed("primary: bought", "primary: sold"),
        ":6: plan.primary: ",
        "There is no metric 'sold'",
    ),
    "no effect": (changed("effect: 2%", "effect: 0"), ":7: plan.minimal_effect: ", "not zero"),
    "an effect in words": (
        changed("effect: 2%", "effect: two"),
        ":7: plan.minimal_effect: ",
        "found 'two'",
    ),
    "a guardrail that is not there": (
        changed("metric: opted-out", "metric: left"),
        ":8: plan.guardrails[0].metric: ",
        "There is no metric 'left'",
    ),
    "a guardrail said twice": (
        changed("harm: 0.005}", "harm: 0.005}, {metric: opted-out, harm: 1}"),
        ":8: plan.guardrails[1].metric: ",
        "said twice",
    ),
    "harm below zero": (
        changed("harm: 0.005", "harm: -1%"),
        ":8: plan.guardrails[0].harm: ",
        "above zero",
    ),
    "no harm": (changed("harm: 0.005", "harm: 0"), ":8: plan.guardrails[0].harm: ", "not zero"),
    "certain power": (changed("90%", "100%"), ":9: plan.power: ", "below 100%"),
    "no error at all": (changed("alpha: 1%", "alpha: 0%"), ":10: plan.alpha: ", "above 0%"),
    "no duration": (changed("history: 28d", "history: long"), ":11: plan.history: ", "such as 7d"),
    "no time at all": (changed("longest: 4w", "longest: 0d"), ":12: plan.longest: ", "longer than"),
    "a stop that is not there": (
        changed("[harm, futility]", "[harm, boredom]"),
        ":13: plan.stops[1]: ",
        "'harm', 'futility' or 'sample_ratio'",
    ),
    "a decision that is absent": (
        changed(", not_significant: Leave it", ""),
        ":14: plan.decisions.not_significant: ",
        "required",
    ),
    "a decision too many": (
        changed("not_significant: Leave it", "not_significant: Leave it, maybe: Wait"),
        ":14: plan.decisions.maybe: ",
        "no field of this name",
    ),
    **{
        f"observed with {name}": (
            changed("metrics: [bought]", f"{name}: {value}", WATCHED),
            f": {name}: ",
            "observed goes without it",
        )
        for name, value in {
            "traffic": "10%",
            "layer": "{name: a, from: 0%, to: 10%}",
            "if": "{trait: tier, is: gold}",
            "values": "{offer: 1}",
            "cluster": "household",
            "control": "offer",
        }.items()
    },
    "observed with a plan": (
        WATCHED + PILOT[PILOT.index("plan:") :],
        ":10: plan: ",
        "observed goes without it",
    ),
    "observed without arms": (
        changed("{offer: {did: offer received, where: {offer_id: a}}}", "{}", WATCHED),
        ":6: observed.control: ",
        "did none of one or more",
    ),
    "observed with a control that did something": (
        changed("control: none", "control: offer", WATCHED),
        ":6: observed.control: ",
        "did none of one or more",
    ),
    "observed with a strange arm": (
        changed("{offer: {did", "{a+b: {did", WATCHED),
        ":5: observed.arms.a+b: ",
        "letters from A to Z",
    ),
    "observed with an arm that is no event": (
        changed("{did: offer received, where: {offer_id: a}}", "{in: vip}", WATCHED),
        ":5: observed.arms.offer: ",
        "It should be one event",
    ),
    "observed at no time": (
        changed("at: 2018-01-18T00:00:00Z", "at: true", WATCHED),
        ":3: observed.at: ",
        "a date and a time",
    ),
    "observed for no time": (
        changed("within: 1h", "within: 1x", WATCHED),
        ":4: observed.within: ",
        "such as 7d",
    ),
}


@pytest.mark.parametrize(("text", "place", "detail"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_complaint_says_where_what_and_what_would_be_right(
    text: str, place: str, detail: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text)
    assert place in caught.value.message
    assert caught.value.place.startswith("experiments/it.yaml:")
    assert detail in caught.value.detail


def test_effects_below_zero_and_above_all_are_effects() -> None:
    for text, size in (("-2%", -0.02), ("250 %", 2.5)):
        plan = read(changed("minimal_effect: 2%", f"minimal_effect: {text}")).pilot
        assert plan is not None
        assert plan.minimal_effect == Change(size, relative=True)
    plan = read(changed("minimal_effect: 2%", "minimal_effect: -0.5")).pilot
    assert plan is not None
    assert plan.minimal_effect == Change(-0.5)
