"""Every complaint about a journey names its file, its line and its node."""

import textwrap
from datetime import timedelta

import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.primitives.errors import CourtesyError
from courtesy.stages.journeys import Branch, Exit, Journey, Known, Send, Wait, check

KNOWN = Known(frozenset({"hello", "nudge"}), frozenset({"vip"}), frozenset({"email", "push"}))
WELCOME = """
journey: welcome
owner: growth@brand.example
topic: offers
holdout: 12.5%
entry: {event: Signed Up, again: 30d}
goal: {did: Order Completed, within: 7d}
exit: {did: Unsubscribed}
steps:
  - send: {template: hello, channel: [push, email], expires: 12h}
  - wait: 1d
  - branch:
      - if: {did: Order Completed}
        then: [exit]
      - else:
          - wait: 2h
  - send: {template: nudge, channel: email}
"""


def journey(text: str) -> Journey:
    return check(read_yaml("journeys/welcome.yaml", textwrap.dedent(text).lstrip()), KNOWN)


def changed(old: str, new: str) -> str:
    assert old in WELCOME
    return WELCOME.replace(old, new)


def test_a_journey_is_a_chart_that_knows_where_to_go_next() -> None:
    found = journey(WELCOME)
    assert found.holdout == pytest.approx(0.125)
    assert found.entry.again == timedelta(days=30)
    assert found.first == "steps[0]"
    assert found.goal is not None
    assert found.goal.condition.within == timedelta(days=7)
    send, wait, branch = (found.nodes[f"steps[{i}]"] for i in range(3))
    assert isinstance(send, Send)
    assert (send.channels, send.after) == (("push", "email"), "steps[1]")
    assert isinstance(wait, Wait)
    assert wait.length == timedelta(days=1)
    assert isinstance(branch, Branch)
    assert [target for _, target in branch.options] == ["steps[2].branch[0].then[0]"]
    assert isinstance(found.nodes["steps[2].branch[0].then[0]"], Exit)
    assert branch.otherwise == "steps[2].branch[1].else[0]"
    inner = found.nodes["steps[2].branch[1].else[0]"]
    assert isinstance(inner, Wait)
    assert inner.after == "steps[3]"


COMPLAINTS = {
    "unknown field": (
        changed("topic: offers", "topic: offers\nfrequency: 3"),
        "journeys/welcome.yaml:4: frequency: ",
        "There is no field of this name.",
    ),
    "unknown field of a step": (
        changed("channel: email}", "chanel: email}"),
        "journeys/welcome.yaml:16: steps[3].send.chanel: ",
        "Known here: channel, expires, template.",
    ),
    "unknown step": (
        changed("- wait: 1d", "- snooze: 1d"),
        "journeys/welcome.yaml:10: steps[1].snooze: ",
        "Known: send, wait, branch, test, exit.",
    ),
    "a loop": (
        changed("  - wait: 1d", "  - &again\n    branch:\n      - else: [*again]"),
        "journeys/welcome.yaml:",
        "loop",
    ),
    "a missing template": (
        changed("template: nudge", "template: nugde"),
        "journeys/welcome.yaml:16: steps[3].send.template: ",
        "There is no template 'nugde'. There is: hello, nudge.",
    ),
    "a percent over 100": (
        changed("12.5%", "120%"),
        "journeys/welcome.yaml:4: holdout: ",
        "from 0% to 100%",
    ),
    "a share without percent": (
        changed("12.5%", "0.1"),
        "journeys/welcome.yaml:4: ",
        "such as 10%",
    ),
    "no entry": (
        changed("entry: {event: Signed Up, again: 30d}\n", ""),
        "journeys/welcome.yaml:1: entry: ",
        "This field is required.",
    ),
    "two entries": (
        changed("event: Signed Up", "event: Signed Up, audience: vip"),
        "journeys/welcome.yaml:5: entry: ",
        "either an event or an audience",
    ),
    "letters that invite to letters": (
        changed("{event: Signed Up, again: 30d}", "{event: Email Sent, again: always}"),
        "journeys/welcome.yaml:5: entry.again: ",
        "without end",
    ),
    "an audience that is not there": (
        changed("{event: Signed Up, again: 30d}", "{audience: vips}"),
        "journeys/welcome.yaml:5: entry.audience: ",
        "There is no audience 'vips'. There is: vip.",
    ),
    "a channel that is not there": (
        changed("channel: email}", "channel: pigeon}"),
        "journeys/welcome.yaml:16: steps[3].send.channel: ",
        "There is no channel 'pigeon'",
    ),
    "a wait of no length": (
        changed("wait: 1d", "wait: 0d"),
        "journeys/welcome.yaml:10: steps[1].wait: ",
        "longer than nothing",
    ),
    "a wait of three moons": (changed("wait: 1d", "wait: 3 moons"), "steps[1].wait", "such as 7d"),
    "an else before its if": (
        changed(
            "      - else:\n          - wait: 2h", "      - {else: [exit]}\n      - {else: [exit]}"
        ),
        "steps[2].branch[1].else",
        "There is no field of this name",
    ),
    "a condition with an unknown field": (
        changed("{did: Order Completed}\n", "{did: Order Completed, withing: 3d}\n"),
        "journeys/welcome.yaml:12: steps[2].branch[0].if",
        "withing",
    ),
    "a goal that is no event": (
        changed("goal: {did: Order Completed, within: 7d}", "goal: {trait: tier, is: gold}"),
        "journeys/welcome.yaml:6: goal: ",
        "A goal is one event",
    ),
    "no steps": (
        WELCOME[: WELCOME.index("steps:")] + "steps: []\n",
        "journeys/welcome.yaml:8: steps: ",
        "one or more steps",
    ),
    "broken YAML": (changed("steps:", "steps: ["), "journeys/welcome.yaml:", "expected"),
    "a field said twice": (
        changed("topic: offers", "topic: offers\ntopic: news"),
        "journeys/welcome.yaml:4",
        "topic is said twice",
    ),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_complaint_says_where_and_what(name: str) -> None:
    text, place, sentence = COMPLAINTS[name]
    with pytest.raises(CourtesyError) as caught:
        journey(text)
    assert place in caught.value.message
    assert sentence in caught.value.message
