"""Audience files: what they may say, and where a complaint points."""

import itertools

import pytest

from courtesy.ground.definitions import Document, read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.rules import AllOf, Did, Member
from courtesy.stages.audiences import Audience, check


def file(name: str, when: str, more: str = "") -> Document:
    return read_yaml(f"audiences/{name}.yaml", f"audience: {name}\n{more}when: {when}\n")


def test_a_file_becomes_an_audience() -> None:
    more = "owner: ana@brand.example\ndescription: Spends much\n"
    found = check([file("big-spenders", "{all: [{did: Order Completed}]}", more)])
    assert found == {
        "big-spenders": Audience(
            "big-spenders",
            "ana@brand.example",
            "Spends much",
            AllOf((Did("Order Completed"),)),
        )
    }


def test_owner_and_description_may_be_absent() -> None:
    assert check([file("vip", "{did: X}")])["vip"].owner is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            "audience: vip\nwhen:\n  all:\n    - {did: X}\n    - {did: 5}\n",
            "5: when.all[1].did",
            "a name",
        ),
        ("audience: vip\nwhen:\n  did: X\n  within: 0d\n", "4: when.within", "longer than nothing"),
        (
            "audience: vip\nwhen:\n  any:\n  - not:\n      bid: X\n",
            "5: when.any[0].not.bid",
            "Known: all",
        ),
        ("audience: vip\n", "1: when", "required"),
        ("when: {did: X}\n", "1: audience", "required"),
        ("audience: vip\nwhen: {did: X}\nwho: me\n", "3: who", "Known here: audience"),
        ("audience: VIP people\nwhen: {did: X}\n", "1: audience", "pattern"),
        ("audience: 5\nwhen: {did: X}\n", "1: audience", "string"),
        ("audience: vip\nowner: ana\nwhen: {did: X}\n", "2: owner", "pattern"),
        (
            "audience: vip\nwhen:\n any:\n - did: X\n - {did: X, where: {v: {same_as: entry}}}\n",
            "5: when.any[1]",
            "an audience has none",
        ),
        (
            "audience: vip\nwhen: {in: gone}\n",
            "2: when.in",
            "There is no audience gone. Known: vip",
        ),
        ("audience: vip\nwhen: {all: [{not: {in: vip}}]}\n", "2: when.all[0].not.in", "vip → vip"),
        ("[]\n", "1", "fields and their values"),
    ],
)
def test_a_complaint_names_file_line_and_node(text: str, place: str, words: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        check([read_yaml("audiences/vip.yaml", text)])
    assert refused.value.place == f"audiences/vip.yaml:{place}"
    assert words in refused.value.detail


def test_two_audiences_of_one_name_are_refused() -> None:
    again = read_yaml("audiences/again.yaml", "audience: vip\nwhen: {did: X}\n")
    with pytest.raises(DefinitionError, match=r"again.yaml:1: audience: .* two audiences vip"):
        check([file("vip", "{did: X}"), again])


def test_a_loop_is_refused_with_the_way_round() -> None:
    documents = [
        file("a", "{in: b}"),
        file("b", "{any: [{in: c}, {did: X}]}"),
        file("c", "{in: a}"),
    ]
    with pytest.raises(DefinitionError) as refused:
        check(documents)
    assert refused.value.place == "audiences/c.yaml:2: when.in"
    assert refused.value.detail == "This is a loop: a → b → c → a."


def test_a_loop_behind_another_audience_is_named_alone() -> None:
    with pytest.raises(DefinitionError, match="loop: b → c → b"):
        check([file("a", "{in: b}"), file("b", "{in: c}"), file("c", "{in: b}")])


def test_audiences_come_after_those_they_refer_to() -> None:
    documents = [
        file("a", "{all: [{in: b}, {in: c}]}"),
        file("b", "{in: d}"),
        file("c", "{in: d}"),
        file("d", "{did: X}"),
    ]
    for order in itertools.permutations(documents):
        names = list(check(order))
        for name, needed in (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")):
            assert names.index(needed) < names.index(name)


def test_a_reference_is_kept_in_the_condition() -> None:
    found = check([file("a", "{in: b}"), file("b", "{did: X}")])
    assert found["a"].when == Member("b")
