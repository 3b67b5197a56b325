"""Tests on the steps of journeys, as they are written: what they become, and what is refused."""

import textwrap
from dataclasses import replace

import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.primitives.errors import CourtesyError
from courtesy.stages import experiments
from courtesy.stages.journeys import Journey, Known, Send, Trial, check

SHIPPING = """
experiment: free-shipping
arms: {control: 1, free: 3}
"""
OFFERS = """
experiment: offers
observed: {at: 2026-01-01T00:00:00Z, within: 1h, arms: {offer: {did: Offered}}, control: none,
           randomised: true}
"""
TEMPLATES = frozenset({"hello", "nudge-plain", "nudge-free", "note-plain", "note-story"})
EXPERIMENTS = {
    "free-shipping": experiments.check(
        read_yaml("experiments/free-shipping.yaml", SHIPPING), experiments.Known()
    ),
    "offers": experiments.check(read_yaml("experiments/offers.yaml", OFFERS), experiments.Known()),
}
KNOWN = Known(TEMPLATES, frozenset(), frozenset({"email", "sms"}), EXPERIMENTS)
HEAD = """
journey: welcome
program: onboarding
topic: offers
entry: {event: Signed Up}
steps:
"""
INCENTIVE = """
- test: {name: incentive, arms: {plain: 1, free: 1}}
"""
FACTORIAL = """
- test:
    name: mix
    factors: {channel: {email: 1, sms: 1}, content: {plain: 3, story: 1}}
    control: sms+plain
"""


def journey(steps: str, known: Known = KNOWN) -> Journey:
    text = HEAD.strip() + "\n" + textwrap.dedent(steps).strip("\n")
    return check(read_yaml("journeys/welcome.yaml", text), known)


def send(found: Journey, step: str) -> Send:
    node = found.nodes[step]
    assert isinstance(node, Send)
    return node


def told(found: Journey, step: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What a send says to each arm, and where."""
    return {
        arm: (variant.template, variant.channels)
        for arm, variant in send(found, step).variants.items()
    }


def test_a_journey_belongs_to_a_program() -> None:
    assert journey("- exit").program == "onboarding"


def test_a_test_defines_its_experiment_on_the_spot() -> None:
    found = journey(INCENTIVE + "- send: {template: hello}")
    assert found.nodes["steps[0]"] == Trial("steps[0]", "incentive", "plain", {}, "steps[1]")
    assert found.tests["incentive"].arms == {"plain": 0.5, "free": 0.5}


@pytest.mark.parametrize("step", ["free-shipping", "{name: free-shipping}"])
def test_a_test_may_be_an_experiment_of_the_folder(step: str) -> None:
    found = journey(f"- test: {step}\n- send: {{template: hello}}")
    assert found.nodes["steps[0]"] == Trial("steps[0]", "free-shipping", "control", {}, "steps[1]")
    assert found.tests == {}
    assert send(found, "steps[1]").test == "free-shipping"


def test_arms_may_have_steps_of_their_own() -> None:
    found = journey("""
        - test: {name: free-shipping, then: {free: [{send: {template: "nudge-{{arm}}"}}, exit]}}
        - send: {template: hello}
        """)
    own = "steps[0].test.then.free[0]"
    assert found.nodes["steps[0]"] == Trial(
        "steps[0]", "free-shipping", "control", {"free": own}, "steps[1]"
    )
    assert told(found, own) == {"free": ("nudge-free", ("email",))}


def test_each_arm_is_told_what_its_name_says() -> None:
    found = journey(INCENTIVE + '- send: {template: "nudge-{{arm}}", expires: 2h}')
    node = send(found, "steps[1]")
    assert (node.test, node.template, node.channels) == ("incentive", "nudge-{{arm}}", ("email",))
    assert told(found, "steps[1]") == {
        "plain": ("nudge-plain", ("email",)),
        "free": ("nudge-free", ("email",)),
    }
    assert node.variants["free"].words == {"arm": "free"}


def test_the_levels_of_factors_name_templates_and_channels() -> None:
    found = journey(
        FACTORIAL + '- send: {template: "note-{{ content }}", channel: ["{{channel}}", email]}'
    )
    assert found.tests["mix"].control == "sms+plain"
    assert told(found, "steps[1]") == {
        "email+plain": ("note-plain", ("email",)),
        "email+story": ("note-story", ("email",)),
        "sms+plain": ("note-plain", ("sms", "email")),
        "sms+story": ("note-story", ("sms", "email")),
    }
    words = send(found, "steps[1]").variants["sms+story"].words
    assert words == {"channel": "sms", "content": "story", "arm": "sms+story"}


def test_a_cell_of_factors_may_have_steps_of_its_own() -> None:
    found = journey(
        FACTORIAL
        + """    then:
      sms+story: [{send: {template: "note-{{content}}", channel: "{{channel}}"}}]
"""
    )
    trial = found.nodes["steps[0]"]
    assert isinstance(trial, Trial)
    assert trial.ways == {"sms+story": "steps[0].test.then.sms+story[0]"}
    assert send(found, trial.ways["sms+story"]).after == "end"


def test_without_placeholders_every_arm_is_told_the_same() -> None:
    found = journey("- send: {template: hello}" + INCENTIVE + "- send: {template: hello}")
    assert (send(found, "steps[0]").test, told(found, "steps[0]")) == (None, {})
    assert set(told(found, "steps[2]").values()) == {("hello", ("email",))}


def test_the_nearest_test_is_the_last_that_everybody_passed_who_comes_here() -> None:
    found = journey("""
        - test: {name: outer, arms: {plain: 1, free: 1}, then: {free: [
            {test: {name: inner, arms: {plain: 1, story: 1}}},
            {send: {template: "note-{{arm}}"}}]}}
        - send: {template: "nudge-{{arm}}"}
        - branch:
            - if: {did: Paid}
              then:
                - test: {name: aside, arms: {plain: 1, story: 1}}
                - send: {template: "note-{{arm}}"}
            - else:
                - send: {template: "nudge-{{arm}}"}
        - send: {template: "nudge-{{arm}}"}
        - test: {name: next, arms: {plain: 1, story: 1}}
        - send: {template: "note-{{arm}}"}
        """)
    nearest = {step: node.test for step, node in found.nodes.items() if isinstance(node, Send)}
    assert nearest == {
        "steps[0].test.then.free[1]": "inner",
        "steps[1]": "outer",
        "steps[2].branch[0].then[1]": "aside",
        "steps[2].branch[1].else[0]": "outer",
        "steps[3]": "outer",
        "steps[5]": "next",
    }
    assert set(found.tests) == {"outer", "inner", "aside", "next"}


COMPLAINTS = {
    "an experiment that is not there": (
        "- test: free-shiping",
        "journeys/welcome.yaml:6: steps[0].test: ",
        "There is no experiment 'free-shiping'. There is: free-shipping, offers.",
    ),
    "an experiment that is not there, with steps": (
        "- test:\n    name: shipping\n    then: {free: [exit]}",
        "journeys/welcome.yaml:7: steps[0].test.name: ",
        "There is no experiment 'shipping'.",
    ),
    "a list": (
        "- test: [free-shipping]",
        "journeys/welcome.yaml:6: steps[0].test: ",
        "It should name an experiment or define one; found ['free-shipping'].",
    ),
    "no name": (
        "- test: {arms: {a: 1, b: 1}}",
        "journeys/welcome.yaml:6: steps[0].test.name: ",
        "found None",
    ),
    "one arm": (
        "- test:\n    name: x\n    arms: {a: 1}",
        "journeys/welcome.yaml:8: steps[0].test.arms: ",
        "2 to 100 arms",
    ),
    "a control that is no arm": (
        "- test: {name: x, arms: {a: 1, b: 1}, control: c}",
        "journeys/welcome.yaml:6: steps[0].test.control: ",
        "There is no arm 'c'. There is: a, b.",
    ),
    "an unknown field": (
        "- test: {name: x, arms: {a: 1, b: 1}, weights: 3}",
        "journeys/welcome.yaml:6: steps[0].test.weights: ",
        "There is no field of this name.",
    ),
    "steps for an arm that is not there": (
        "- test:\n    name: free-shipping\n    then:\n      fre: [exit]",
        "journeys/welcome.yaml:9: steps[0].test.then.fre: ",
        "There is no arm 'fre'. There is: control, free.",
    ),
    "steps for a level, not an arm": (
        FACTORIAL + "    then: {sms: [exit]}",
        "journeys/welcome.yaml:10: steps[0].test.then.sms: ",
        "There is no arm 'sms'. There is: email+plain, email+story, sms+plain, sms+story.",
    ),
    "no steps": (
        "- test: {name: free-shipping, then: {free: []}}",
        "journeys/welcome.yaml:6: steps[0].test.then.free: ",
        "one or more steps",
    ),
    "steps for nobody": (
        "- test: {name: free-shipping, then: [exit]}",
        "journeys/welcome.yaml:6: steps[0].test.then: ",
        "arms, each with steps of its own",
    ),
    "an experiment that others ran": (
        "- test: offers",
        "journeys/welcome.yaml:6: steps[0].test: ",
        "Others assigned the arms of offers",
    ),
    "two tests of one name": (
        INCENTIVE + "- wait: 1d" + INCENTIVE,
        "journeys/welcome.yaml:8: steps[2].test.name: ",
        "There is a test incentive in this journey already.",
    ),
    "a template that one arm lacks": (
        '- test: free-shipping\n- send:\n    template: "nudge-{{arm}}"',
        "journeys/welcome.yaml:8: steps[1].send.template: ",
        "There is no template 'nudge-control' for the arm control. There is: hello, note-plain",
    ),
    "a channel that a cell lacks": (
        FACTORIAL + '- send: {template: hello, channel: "{{content}}"}',
        "journeys/welcome.yaml:10: steps[1].send.channel: ",
        "There is no channel 'plain' for the arm email+plain. There is: email, sms.",
    ),
    "an unknown placeholder": (
        FACTORIAL + '- send: {template: "note-{{color}}"}',
        "journeys/welcome.yaml:10: steps[1].send.template: ",
        "The test mix has no {{color}}. There is: {{channel}}, {{content}}, {{arm}}.",
    ),
    "a placeholder of no name": (
        INCENTIVE + '- send: {template: "nudge-{{ }}"}',
        "journeys/welcome.yaml:7: steps[1].send.template: ",
        "The test incentive has no {{}}.",
    ),
    "a placeholder before the test": (
        '- send: {template: "nudge-{{arm}}"}' + INCENTIVE,
        "journeys/welcome.yaml:6: steps[0].send.template: ",
        "No test stands before this step, so 'nudge-{{arm}}' means nothing.",
    ),
    "a placeholder behind a branch that only some passed": (
        """
- branch:
    - if: {did: Paid}
      then:
        - test: {name: x, arms: {plain: 1, free: 1}}
- send: {template: hello, channel: "{{arm}}"}""",
        "journeys/welcome.yaml:10: steps[1].send.channel: ",
        "No test stands before this step",
    ),
    "a placeholder behind one arm's own test": (
        """
- test: {name: x, arms: {plain: 1, free: 1}, then: {free: [
    {test: {name: y, factors: {tone: {warm: 1, cold: 1}}}}]}}
- send: {template: "{{tone}}"}""",
        "journeys/welcome.yaml:8: steps[1].send.template: ",
        "The test x has no {{tone}}. There is: {{arm}}.",
    ),
    "a template that no arm has": (
        INCENTIVE + "- send: {template: helo}",
        "journeys/welcome.yaml:7: steps[1].send.template: ",
        "There is no template 'helo'. There is: hello",
    ),
    "a template that is no name": (
        INCENTIVE + "- send: {template: [hello]}",
        "journeys/welcome.yaml:7: steps[1].send.template: ",
        "There is no template ['hello'].",
    ),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_complaint_says_where_and_what(name: str) -> None:
    steps, place, sentence = COMPLAINTS[name]
    with pytest.raises(CourtesyError) as caught:
        journey(steps)
    assert place in caught.value.message
    assert sentence in caught.value.message


def test_a_program_has_a_name() -> None:
    text = HEAD.replace("onboarding", "'On boarding'") + "  - exit"
    with pytest.raises(CourtesyError, match=r"welcome.yaml:3: program: "):
        check(read_yaml("journeys/welcome.yaml", text), KNOWN)


def test_what_was_in_force_stays_readable_when_its_experiment_is_gone() -> None:
    steps = """
        - test: {name: gone, then: {a: [{send: {template: "nudge-{{content}}"}}]}}
        - test: {name: free-shipping, then: {older: [exit]}}
        - send: {template: "lost-{{size}}", channel: pigeon}
        """
    found = journey(steps, replace(KNOWN, applied=True))
    own = "steps[0].test.then.a[0]"
    assert found.nodes["steps[0]"] == Trial("steps[0]", "gone", None, {"a": own}, "steps[1]")
    assert told(found, own) == {}
    assert send(found, "steps[2]").variants["free"].template == "lost-{{size}}"
    with pytest.raises(CourtesyError):
        journey(steps)
