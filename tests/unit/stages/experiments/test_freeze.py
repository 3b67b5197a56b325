"""What may change while an experiment runs, and what may not."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.rules import AllOf, AnyOf, Did, Trait
from courtesy.stages.experiments import Experiment, Known, Layer, Ramp, changed, check, frozen

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEXT = """
experiment: shipping
owner: ana@brand.example
arms: {paid: 1, free: 1}
traffic: 20%
if: {all: [{did: Signed Up}, {trait: tier, is: gold}]}
values: {paid: 0, free: 1}
metrics: [bought]
plan:
  hypothesis: They buy.
  primary: bought
  minimal_effect: 2%
  longest: 28d
  stops: [harm, futility]
  decisions: {better: a, worse: b, not_significant: c}
"""


def read(text: str = TEXT) -> Experiment:
    return check(read_yaml("experiments/shipping.yaml", text), Known(metrics=frozenset({"bought"})))


def edited(old: str, new: str) -> Experiment:
    assert TEXT.count(old) == 1
    return read(TEXT.replace(old, new))


FREE = {
    "owner": ("ana@", "bob@"),
    "description": ("owner:", "description: New words.\nowner:"),
    "metrics": ("metrics: [bought]", "segments: [tier]"),
    "more traffic": ("traffic: 20%", "traffic: 30%"),
    "all traffic": ("traffic: 20%\n", ""),
    "weights in other numbers": ("{paid: 1, free: 1}", "{paid: 50, free: 50}"),
    "values in another order": ("{paid: 0, free: 1}", "{free: 1, paid: 0}"),
    "stops in another order": ("[harm, futility]", "[futility, harm]"),
    "decisions in another order": ("{better: a, worse: b,", "{worse: b, better: a,"),
}
HELD = {
    "arms": ("{paid: 1, free: 1}", "{paid: 1, free: 2}"),
    "if": ("{trait: tier, is: gold}", "{trait: tier, is: blue}"),
    "values": ("{paid: 0, free: 1}", "{paid: 0, free: true}"),
    "plan": ("minimal_effect: 2%", "minimal_effect: 0.02"),
    "cluster": ("traffic:", "cluster: household\ntraffic:"),
    "layer": ("traffic:", "layer: {name: home, from: 0%, to: 50%}\ntraffic:"),
    "control": ("traffic:", "control: free\ntraffic:"),
    "strata": ("traffic:", "strata: tier\ntraffic:"),
    "trigger": ("traffic:", "trigger: {did: Opened}\ntraffic:"),
    "treated_by": ("traffic:", "treated_by: {did: Opened}\ntraffic:"),
    "experiment": ("experiment: shipping", "experiment: other"),
}


@pytest.mark.parametrize(("old", "new"), FREE.values(), ids=FREE)
def test_these_may_change(old: str, new: str) -> None:
    assert changed(read(), edited(old, new)) == []
    assert frozen(edited(old, new)) == frozen(read())


@pytest.mark.parametrize("field", HELD)
def test_these_may_not_and_are_named_as_they_are_written(field: str) -> None:
    new = edited(*HELD[field])
    assert changed(read(), new) == [field]
    assert changed(new, read()) == [field]
    assert frozen(new) != frozen(read())


def test_arms_in_another_order_are_another_split() -> None:
    swapped = edited("{paid: 1, free: 1}", "{free: 1, paid: 1}")
    assert changed(read(), replace(swapped, control="paid")) == ["arms", "values"]


def test_factors_are_frozen_with_their_arms() -> None:
    one, other = (
        check(read_yaml("x", f"{{experiment: x, factors: {text}}}"), Known())
        for text in ("{a: {b: 1, c: 1}}", "{z: {b: 1, c: 1}}")
    )
    assert changed(one, other) == ["factors", "levels"]


def test_all_is_not_any() -> None:
    parts = (Did("a"), Trait("b", ()))
    one, other = (replace(read(), eligible=kind(parts)) for kind in (AllOf, AnyOf))
    assert changed(one, other) == ["if"]


LATER = NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("old", "new", "lowered"),
    [
        ([(None, 0.2)], [(None, 0.1)], True),
        ([(None, 0.2)], [(NOON, 0.2)], True),
        ([(None, 0.0)], [(NOON, 0.2)], False),
        ([(NOON, 0.1)], [(None, 0.1)], False),
        ([(NOON, 0.1)], [(NOON, 0.1), (LATER, 0.5)], False),
        ([(NOON, 0.1), (LATER, 0.5)], [(NOON, 0.1)], True),
        ([(NOON, 0.1), (LATER, 0.5)], [(NOON, 0.5)], False),
        ([(NOON, 0.1)], [(LATER, 0.5)], True),
    ],
)
def test_traffic_may_only_grow(
    old: list[tuple[datetime | None, float]],
    new: list[tuple[datetime | None, float]],
    lowered: bool,  # noqa: FBT001 - what is expected
) -> None:
    before, after = (
        replace(read(), traffic=tuple(Ramp(since, share) for since, share in steps))
        for steps in (old, new)
    )
    assert changed(before, after) == (["traffic"] if lowered else [])
    assert frozen(before) == frozen(after)


def test_the_digest_is_the_same_in_every_run(tmp_path: Path) -> None:
    script = tmp_path / "digest.py"
    script.write_text(
        "from courtesy.ground.definitions import read_yaml\n"
        "from courtesy.stages.experiments import Known, check, frozen\n"
        f"document = read_yaml('x', {TEXT!r})\n"
        "print(frozen(check(document, Known(metrics=frozenset({'bought'})))))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, script],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert runs == [frozen(read())] * 2


def test_a_layer_is_told_from_another() -> None:
    one = replace(read(), layer=Layer("home", 0, 0.5))
    assert changed(one, replace(one, layer=Layer("home", 0, 0.6))) == ["layer"]
