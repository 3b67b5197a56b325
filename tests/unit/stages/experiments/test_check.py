"""Every complaint about an experiment names its file, its line and its node."""

import textwrap
from datetime import UTC, datetime

import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.rules import Did, Trait
from courtesy.stages.experiments import (
    Experiment,
    Known,
    Layer,
    Ramp,
    check,
)

KNOWN = Known(
    metrics=frozenset({"bought", "revenue", "opted-out"}),
    audiences=frozenset({"vip"}),
    channels=frozenset({"email"}),
)
WHOLE = """
experiment: free-shipping
owner: ana@brand.example
description: Shipping for nothing.
arms: {paid: 3, free: 1}
control: paid
traffic: [{from: 2026-12-01, share: 10%}, {from: "2026-12-05T06:00:00+02:00", share: 50%}]
layer: {name: checkout, from: 0%, to: 50%}
cluster: household
if: {trait: tier, is: gold}
values: {paid: false, free: true}
metrics: [bought, revenue]
treated_by: {did: Banner Seen, where: {place: top}}
trigger: {did: Checkout Started}
segments: [tier, country]
strata: tier
"""


def read(text: str) -> Experiment:
    return check(read_yaml("experiments/it.yaml", textwrap.dedent(text).lstrip()), KNOWN)


def changed(old: str, new: str, text: str = WHOLE) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_a_file_is_read_to_the_last_field() -> None:
    found = read(WHOLE)
    assert (found.name, found.owner, found.control) == (
        "free-shipping",
        "ana@brand.example",
        "paid",
    )
    assert found.arms == {"paid": 0.75, "free": 0.25}
    assert found.traffic == (
        Ramp(datetime(2026, 12, 1, tzinfo=UTC), 0.1),
        Ramp(datetime(2026, 12, 5, 4, tzinfo=UTC), 0.5),
    )
    assert found.layer == Layer("checkout", 0, 0.5)
    assert (found.cluster, found.strata, found.segments) == (
        "household",
        "tier",
        ("tier", "country"),
    )
    assert isinstance(found.eligible, Trait)
    assert found.values == {"paid": False, "free": True}
    assert found.metrics == ("bought", "revenue")
    assert found.treated_by is not None
    assert found.treated_by.where[0].property == ("place",)
    assert found.trigger == Did("Checkout Started")
    assert found.observed is None


def test_little_needs_to_be_said() -> None:
    found = read("{experiment: x, arms: {a: 1, b: 1}}")
    assert (found.control, found.traffic, found.pilot) == ("a", (Ramp(None, 1.0),), None)
    assert (found.layer, found.cluster, found.values, found.metrics) == (None, None, {}, ())


ARMS = "arms: {paid: 3, free: 1}"
COMPLAINTS = {
    "unknown field": (changed("strata: tier", "tiers: 3"), ":15: tiers: ", "no field of this name"),
    "strange name": (changed("free-shipping", "Free Shipping"), ":1: experiment: ", "pattern"),
    "reserved name": (changed("free-shipping", "universal"), ":1: experiment: ", "universal hold"),
    "strange owner": (changed("ana@brand.example", "ana"), ":2: owner: ", "pattern"),
    "one arm": (changed(ARMS, "arms: {paid: 3}"), ":4: arms: ", "2 to 100 arms"),
    "no arms": (changed(ARMS, "arms: {}"), ":4: arms: ", "2 to 100 arms"),
    "too many arms": (
        changed(ARMS, f"arms: {{{', '.join(f'a{i}: 1' for i in range(101))}}}"),
        ":4: arms: ",
        "2 to 100 arms",
    ),
    "an arm that is a number": (changed(ARMS, "arms: {1: 3, 2: 1}"), ":4: arms", "string"),
    "an arm with a plus": (
        changed(ARMS, "arms: {a+b: 3, c: 1}"),
        ":4: arms.a+b: ",
        "letters from A to Z",
    ),
    "an arm with a space": (changed(ARMS, "arms: {a b: 3, c: 1}"), ":4: arms.a b: ", "letters"),
    "an arm with a line": (
        changed(ARMS, 'arms: {"a\\n": 3, c: 1}'),
        ":4: arms.a",
        "letters from A to Z",
    ),
    "a long arm": (changed(ARMS, f"arms: {{{'a' * 65}: 3, c: 1}}"), ":4: arms.a", "at most 64"),
    "weight of zero": (changed("free: 1}", "free: 0}"), ":4: arms.free: ", "above zero; found 0"),
    "weight below zero": (changed("free: 1}", "free: -1}"), ":4: arms.free: ", "above zero"),
    "weight without end": (changed("free: 1}", "free: .inf}"), ":4: arms.free: ", "above zero"),
    "weight that is none": (changed("free: 1}", "free: .nan}"), ":4: arms.free: ", "above zero"),
    "weight that is text": (changed("free: 1}", "free: 50%}"), ":4: arms.free: ", "above zero"),
    "weight that is truth": (
        changed(ARMS, "arms: {paid: 3, free: true}"),
        ":4: arms.free: ",
        "above zero",
    ),
    "weight that no float holds": (
        changed("free: 1}", f"free: {'9' * 400}}}"),
        ":4: arms.free: ",
        "above zero",
    ),
    "an arm that gets nobody": (
        changed("free: 1}", "free: 0.00001}"),
        ":6: traffic: ",
        "Of 10% of all people the arm free would get nobody",
    ),
    "arms and factors": (
        changed(ARMS, ARMS + "\nfactors: {a: {b: 1, c: 1}}"),
        "it.yaml:1: ",
        "found arms and factors",
    ),
    "neither arms nor factors": (changed(ARMS + "\n", ""), "it.yaml:1: ", "found none of them"),
    "a control that is no arm": (
        changed("control: paid", "control: nobody"),
        ":5: control: ",
        "There is no arm 'nobody'. There is: free, paid.",
    ),
    "no share": (changed("share: 10%", "share: ten"), ":6: traffic[0].share: ", "such as 10%"),
    "traffic as a number": (
        "{experiment: x, arms: {a: 1, b: 1}, traffic: 0.2}",
        ":1: traffic: ",
        "found 0.2",
    ),
    "no steps": (
        "{experiment: x, arms: {a: 1, b: 1}, traffic: []}",
        ":1: traffic: ",
        "a list of steps",
    ),
    "a ramp without a time": (
        changed("from: 2026-12-01, ", ""),
        ":6: traffic[0]: ",
        "A step has from and share",
    ),
    "a ramp at no time": (
        changed("from: 2026-12-01", "from: soon"),
        ":6: traffic[0].from: ",
        "A time looks like",
    ),
    "a ramp at a number": (
        changed("from: 2026-12-01", "from: 20261201"),
        ":6: traffic[0].from: ",
        "a date and a time",
    ),
    "a ramp that goes back in time": (
        changed("2026-12-05T06", "2026-11-05T06"),
        ":6: traffic[1].from: ",
        "after the one before",
    ),
    "a ramp that shrinks": (
        changed("share: 50%", "share: 10%"),
        ":6: traffic[1].share: ",
        "larger than the one before",
    ),
    "a layer that ends before it begins": (
        changed("to: 50%", "to: 0%"),
        ":7: layer: ",
        "found 0% to 0%",
    ),
    "a layer beyond everybody": (changed("to: 50%", "to: 150%"), ":7: layer.to: ", "0% to 100%"),
    "an empty trait": (changed("cluster: household", 'cluster: " "'), ":8: cluster: ", "pattern"),
    "no condition": (changed("{trait: tier, is", "{treat: tier, is"), ":9: if.treat: ", "Known: "),
    "an audience that is not there": (
        changed("{trait: tier, is: gold}", "{in: nobody}"),
        ":9: if: ",
        "There is no audience 'nobody'. There is: vip.",
    ),
    "a channel that is not there": (
        changed("{trait: tier, is: gold}", "{reachable: fax}"),
        ":9: if: ",
        "There is no channel 'fax'",
    ),
    "a condition on a journey's entry": (
        changed("{trait: tier, is: gold}", "{did: A, where: {b: {same_as: {entry: c}}}}"),
        ":9: if: ",
        "same_as looks at the event that began a journey",
    ),
    "a value of no arm": (
        changed("free: true}", "other: true}"),
        ":10: values.other: ",
        "There is no arm 'other'",
    ),
    "an arm without a value": (changed(", free: true}", "}"), ":10: values: ", "free has none"),
    "a value that JSON has not": (
        changed("free: true}", "free: 2026-12-01}"),
        ":10: values.free: ",
        "that JSON has",
    ),
    "a metric that is not there": (
        changed("metrics: [bought, revenue]", "metrics: [bought, sold]"),
        ":11: metrics[1]: ",
        "There is no metric 'sold'. There is: bought, opted-out, revenue.",
    ),
    "a metric said twice": (
        changed("metrics: [bought, revenue]", "metrics: [bought, bought]"),
        ":11: metrics[1]: ",
        "said twice",
    ),
    "a treatment that is no event": (
        changed("{did: Banner Seen, where: {place: top}}", "{in: vip}"),
        ":12: treated_by: ",
        "It should be one event",
    ),
    "a trigger with a window": (
        changed("{did: Checkout Started}", "{did: Checkout Started, within: 7d}"),
        ":13: trigger: ",
        "It should be one event",
    ),
    "a trigger that is counted": (
        changed("{did: Checkout Started}", "{did: Checkout Started, at_least: 2}"),
        ":13: trigger: ",
        "It should be one event",
    ),
    "a segment said twice": (
        changed("[tier, country]", "[tier, tier]"),
        ":14: segments[1]: ",
        "said twice",
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


def test_a_share_said_in_other_words_is_the_same() -> None:
    assert read("{experiment: x, arms: {a: 1, b: 1}}").arms == {"a": 0.5, "b": 0.5}
    assert read("{experiment: x, arms: {a: 0.2, b: 0.2}}").arms == {"a": 0.5, "b": 0.5}
