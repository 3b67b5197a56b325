"""What a journey can never reach, or always does; and nothing about what may come to pass."""

import pytest

from courtesy.workspace.check import checked
from courtesy.workspace.model import POLICY, Source
from courtesy.workspace.reach import find_reach

LETTER = """---
subject: Hello
---
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
SENDER = "sender: {name: Brand, address: hello@brand.example}\npostal_address: 1 Main Street\n"
QUIET = SENDER + 'quiet_hours: {from: "21:00", to: "08:00"}\n'
SEND = "[{send: {template: hello}}]"


def told(steps: str = SEND, entry: str = "{event: Bought}", more: str = "") -> list[str]:
    text = f"journey: nudge\ntopic: offers\nentry: {entry}\n{more}steps: {steps}\n"
    journey = Source("journey", "nudge", text, "journeys/nudge.yaml")
    letter = Source("template", "hello.html", LETTER, "templates/hello.html")
    found = checked([Source(POLICY, POLICY, QUIET, "policy.yaml"), letter, journey])
    notices = find_reach(journey.document(), found.journeys["nudge"], found.policy)
    return [str(one) for one in notices]


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ("goal: {did: B, where: {total: {gt: 9, lt: 5}}}", ":4: goal", "Nobody can reach"),
        ("goal: {did: B, where: {total: {gt: 5, lte: 5}}}", ":4: goal", "Nobody can reach"),
        ("exit: {all: [{did: B}, {not: {did: B}}]}", ":4: exit", "contradicts itself"),
        ("exit: {all: [{trait: a, is: x}, {trait: a, is: y}, {did: B}]}", ":4: exit", "itself"),
        ("goal: {did: B, at_most: 3}", ":4: goal", "so for everybody"),
        ("exit: {not: {did: B}}", ":4: exit", "so for everybody"),
        ("exit: {any: [{trait: a, is: x}, {not: {did: B}}]}", ":4: exit", "so for everybody"),
        ("exit: {trait: a, is: x}", ":4: exit", "nobody leaves by it"),
    ],
)
def test_ends_that_never_or_always_come(more: str, place: str, said: str) -> None:
    (found,) = told(more=more + "\n")
    assert place in found
    assert said in found


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{event: Bought, where: {a: {is: x, is_not: x}}}", "it contradicts itself"),
        ("{event: Bought, if: {not: {did: Bought}}}", "has just done Bought"),
        ("{event: Bought, if: {not: {did: Bought, within: 7d}}}", "has just done Bought"),
        ("{event: Bought, if: {all: [{did: A, within: 1d}, {not: {did: A}}]}}", "itself"),
    ],
)
def test_entries_that_let_nobody_in(entry: str, said: str) -> None:
    (found,) = told(entry=entry)
    assert found.startswith("journeys/nudge.yaml:3: entry.")
    assert said in found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["{did: A}", "{did: A, at_least: 2}"], "takes all whom it means"),
        (["{did: A, within: 7d}", "{did: A, within: 1d, where: {b: 1}}"], "takes all whom"),
        (["{any: [{did: A}, {did: B}]}", "{did: B}"], "takes all whom it means"),
        (["{any: [{did: A}, {not: {did: A}}]}", "{did: B}"], "takes everybody"),
        (["{trait: a, gt: 5, lt: 3}"], "contradicts itself"),
    ],
)
def test_options_that_nobody_takes(options: list[str], said: str) -> None:
    branch = ", ".join(f"{{if: {one}, then: {SEND}}}" for one in options)
    found = told(f"[{{branch: [{branch}]}}]")
    last = f"steps[0].branch[{len(options) - 1}]"
    assert any(last in one and said in one for one in found), found


def test_steps_behind_an_exit_and_behind_the_goal() -> None:
    (found,) = told("[exit, {send: {template: hello}}]")
    assert found == "journeys/nudge.yaml:4: steps[1]: Nobody can come to this step."
    waits = f"[{{wait: 4d}}, {{wait: 4d}}, {SEND[1:]}"
    (found,) = told(waits, more="goal: {did: B, within: 7d}\n")
    assert "steps[2]: This comes 8d after the entry at the earliest" in found


def test_a_send_that_expires_within_quiet_hours() -> None:
    (found,) = told("[{send: {template: hello, expires: 10h}}]")
    assert "quiet hours last 11h" in found
    assert told("[{send: {template: hello, expires: 12h}}]") == []


@pytest.mark.parametrize(
    "more",
    [
        "goal: {did: Bought, within: 30d}",
        "goal: {did: B, where: {total: {gte: 5, lte: 5}}}",
        "exit: {all: [{did: B}, {not: {did: B, within: 1d}}]}",
        "exit: {all: [{trait: a, is_not: x}, {trait: a, is_not: y}, {did: B}]}",
        "exit: {any: [{trait: a, is: x}, {did: B}]}",
    ],
)
def test_what_may_come_to_pass_is_told_nothing_about(more: str) -> None:
    for entry in (
        "{event: Bought, again: always}",
        "{event: Bought, if: {not: {did: Bought, within: 1h}}}",
        "{event: Bought, if: {did: Bought, at_least: 2}}",
    ):
        assert told(entry=entry, more=more + "\n") == []
    branch = "{branch: [{if: {did: A, at_least: 2}, then: [exit]}, {if: {did: A}, then: [exit]}]}"
    assert told(f"[{branch}, {SEND[1:]}", more=more + "\n") == []
