"""Definitions: what is refused, and where the complaint points."""

from typing import Literal

import pytest
from pydantic import Field

from courtesy.ground.definitions import Document, Model, check, read_yaml
from courtesy.ground.primitives.errors import DefinitionError


class Send(Model):
    send: str
    channel: list[str] | Literal["best"] = "best"


class Wait(Model):
    wait: int | Send


class Plan(Model):
    plan: str
    steps: list[Send | Wait] = Field(default_factory=list)
    share: float = 0.5


TEXT = """
plan: welcome
steps:
  - send: hello
    channel: [push, email]
  - wait:
      send: later
"""


def _refusal(text: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        check(Plan, read_yaml("plans/a.yaml", text))
    return caught.value.message


def test_a_document_becomes_its_model() -> None:
    found = check(Plan, read_yaml("plans/a.yaml", TEXT))
    assert found == Plan(
        plan="welcome",
        steps=[Send(send="hello", channel=["push", "email"]), Wait(wait=Send(send="later"))],
    )


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "plans/a.yaml:2"),
        (("plan",), "plans/a.yaml:2: plan"),
        (("steps",), "plans/a.yaml:3: steps"),
        (("steps", 0, "channel", 1), "plans/a.yaml:5: steps[0].channel[1]"),
        (("steps", 1), "plans/a.yaml:6: steps[1]"),
        (("steps", 1, "wait", "send"), "plans/a.yaml:7: steps[1].wait.send"),
        (("steps", 1, "wait", "topic"), "plans/a.yaml:6: steps[1].wait.topic"),
        (("steps", 9, "wait"), "plans/a.yaml:3: steps[9].wait"),
    ],
)
def test_every_node_has_its_place(path: tuple[str | int, ...], place: str) -> None:
    assert read_yaml("plans/a.yaml", TEXT).place(path) == place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "plans/a.yaml:1: This definition is not valid. It should hold fields"),
        ("# nothing\n---\n", "It should hold fields and their values."),
        ("- a\n- b", "plans/a.yaml:1: This definition is not valid. It should hold fields"),
        ("just text", "It should hold fields and their values."),
        (
            "steps: []",
            "plans/a.yaml:1: plan: This definition is not valid. This field is required.",
        ),
        (
            "plan: a\nsetps: []",
            "a.yaml:2: setps: This definition is not valid. There is no field of",
        ),
        ("plan: a\nsetps: []", "Known here: plan, share, steps."),
        ("plan: 7", "a.yaml:1: plan: This definition is not valid. Input should be a valid string"),
        ("plan: a\nshare: much", "a.yaml:2: share:"),
        ("plan: 2026-01-31", "Input should be a valid string; found datetime.date(2026, 1, 31)."),
        ("1: a", "a.yaml:1"),
        ("plan: a\nsteps: {}", "a.yaml:2: steps: This definition is not valid. Input should be a"),
    ],
)
def test_what_is_wrong_and_where(text: str, said: str) -> None:
    assert said in _refusal(text)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{send: 7}", "a.yaml:3: steps[0].send: This definition is not valid. Input should be a"),
        ("{sned: x}", "a.yaml:3: steps[0].send: This definition is not valid. This field is req"),
        ("{wait: [1]}", "steps[0].wait: This definition is not valid. Input should be a valid int"),
        ("{wait: {send: 7}}", "steps[0].wait.send: This definition is not valid. Input should be"),
        ("{send: x, channel: [7]}", "steps[0].channel[0]: This definition is not valid. Input"),
        (
            "{send: x, channel: any}",
            "Input should be a valid list or 'best'; found 'any'.",
        ),
        ("5", "a.yaml:3: steps[0]: This definition is not valid. It should hold fields"),
    ],
)
def test_in_a_union_the_users_own_words_are_named(step: str, said: str) -> None:
    assert said in _refusal(f"plan: a\nsteps:\n  - {step}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plan: [", "plans/a.yaml:1"),
        ("plan: a\n\tb: c", "plans/a.yaml:2"),
        ("plan: a\nplan: b", "plans/a.yaml:2: This definition is not valid. plan is said twice."),
        ("s:\n  - {a: 1, b: 2, a: 3}", "plans/a.yaml:2: s[0]: This definition is not valid. a is"),
        ("plan: a\n---\nplan: b", "plans/a.yaml:2"),
        ("plan: *nobody", "plans/a.yaml:1"),
        ("plan: !!python/object:os.system {}", "plans/a.yaml:1"),
        ("plan: \x00", "plans/a.yaml: This definition is not valid. unacceptable character"),
        ("plan: 2026-02-30", "plans/a.yaml"),
        ("plan: &a [*a]", "plans/a.yaml:1: plan[0]: This definition is not valid. This is a loop"),
        (
            "a: &a\n  b: &b\n    c: *a",
            "plans/a.yaml:1: a.b.c: This definition is not valid. This is",
        ),
        ("a: " + "[" * 60 + "]" * 60, "It is nested too deeply."),
        ("a: " + "[" * 5_000, "It is nested too deeply."),
        ("? [a]\n: b", "plans/a.yaml:1"),
    ],
)
def test_what_is_no_definition_is_refused_with_its_place(text: str, said: str) -> None:
    message = _refusal(text)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("wrap", ["[{}]", "{{<<: [{}]}}", "{{k: [{}]}}"])
def test_aliases_that_multiply_are_refused(wrap: str) -> None:
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, 12):
        below = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} {wrap.format(below)}")
    assert "more than 100000 nodes" in _refusal("\n".join(lines))


def test_few_aliases_and_merges_are_welcome() -> None:
    text = "base: &base {x: 1}\nsame: *base\nmore: {<<: *base, y: 2}"
    document = read_yaml("plans/a.yaml", text)
    assert document.data == {"base": {"x": 1}, "same": {"x": 1}, "more": {"x": 1, "y": 2}}
    assert document.place(("same", "x")) == "plans/a.yaml:1: same.x"
    assert document.place(("more", "x")) == "plans/a.yaml:3: more.x"


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("NO", "NO"), ("yes", "yes"), ("off", "off"), ("y", "y"), ("true", True), ("False", False)],
)
def test_only_true_and_false_are_truth(word: str, meaning: object) -> None:
    assert read_yaml("a.yaml", f"word: {word}").data == {"word": meaning}


def test_a_document_without_lines_still_has_a_place() -> None:
    assert Document("request body", {}).place(("steps", 0)) == "request body:1: steps[0]"


@pytest.mark.parametrize(
    "text",
    [
        "send: {template: nudge-{{arm}}, channel: email}",
        "send: {template: '{{arm}}', channel: {{ channel }}}",
        "send:\n  template: nudge-{{arm}}-{{content}} # by arm\n  channel: {{channel}}\n",
        "steps: [{{a}}, x-{{b.c}}]",
    ],
)
def test_a_placeholder_needs_no_quotes(text: str) -> None:
    found = str(read_yaml("a.yaml", text).data)
    assert found.count("{{") == text.count("{{")


def test_braces_inside_quotes_and_blocks_stay_as_they_are() -> None:
    text = 'words: "say {{arm}}, please"\nlong: |\n  {{ first_name }}\n  two\n'
    data = read_yaml("a.yaml", text).data
    assert data == {"words": "say {{arm}}, please", "long": "{{ first_name }}\ntwo\n"}


def test_broken_yaml_is_still_refused_where_it_breaks() -> None:
    assert "a.yaml:3" in _refusal_of("a: {{x}}\nb: [1, 2\n")


def _refusal_of(text: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        read_yaml("a.yaml", text)
    return caught.value.message
