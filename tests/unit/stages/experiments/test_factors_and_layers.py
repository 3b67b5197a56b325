"""Arms that are combinations, tests inside journeys, and experiments that share nobody."""

from collections.abc import Mapping

import pytest

from courtesy.ground.definitions import Document, read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.experiments import (
    Experiment,
    Known,
    check,
    check_inline,
    check_layers,
)

FACTORS = "{channel: {email: 1, sms: 1}, content: {plain: 1, story: 3}}"
JOURNEY = """journey: welcome
steps:
  - wait: 1d
  - test:
      name: incentive
      {fields}
"""
STEP = ("steps", 1, "test")


def file(text: str, name: str = "it") -> Document:
    return read_yaml(f"experiments/{name}.yaml", text)


def factors(text: str) -> Experiment:
    return check(file(f"experiment: it\nfactors: {text}\n"), Known())


def inline(fields: str, name: str = "incentive") -> Experiment:
    document = read_yaml("journeys/welcome.yaml", JOURNEY.format(fields=fields))
    return check_inline(document, STEP, name, document.data["steps"][1]["test"])


def test_factors_make_all_combinations_with_the_products_of_their_shares() -> None:
    found = factors(FACTORS)
    assert found.arms == pytest.approx(
        {"email+plain": 0.125, "email+story": 0.375, "sms+plain": 0.125, "sms+story": 0.375}
    )
    assert found.factors == {"channel": ("email", "sms"), "content": ("plain", "story")}
    assert found.levels["sms+story"] == {"channel": "sms", "content": "story"}
    assert set(found.levels) == set(found.arms)
    assert found.control == "email+plain"


def test_factors_may_have_levels_of_one_name() -> None:
    found = factors("{offer: {no: 1, yes: 1}, image: {no: 1, yes: 1}, sound: {no: 1, yes: 1}}")
    assert len(found.arms) == 8
    assert found.levels["no+yes+no"] == {"offer": "no", "image": "yes", "sound": "no"}
    assert sum(found.arms.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ("{channel: {email: 1}}", ":2: factors.channel: ", "2 to 100 levels"),
        ("{channel: email}", ":2: factors.channel: ", "2 to 100 levels"),
        ("{}", ":2: factors: ", "factors and their levels"),
        ("{channel: {email: 1, s+s: 1}}", ":2: factors.channel.s+s: ", "letters from A to Z"),
        ("{channel: {email: 1, sms: 0}}", ":2: factors.channel.sms: ", "above zero"),
        ("{my channel: {email: 1, sms: 1}}", ":2: factors.my channel: ", "letters from A to Z"),
        ("{arm: {email: 1, sms: 1}}", ":2: factors.arm: ", "cannot be called arm"),
        (
            f"{{{', '.join(f'f{i}: {{a: 1, b: 1}}' for i in range(90))}}}",
            ":2: factors: ",
            "at most 100 combinations",
        ),
    ],
)
def test_factors_that_make_no_sense_are_refused(text: str, place: str, detail: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        factors(text)
    assert place in caught.value.message
    assert detail in caught.value.detail


def test_a_test_inside_a_journey_is_an_experiment() -> None:
    found = inline("arms: {plain: 1, free: 3}\n      control: free\n      then: {free: []}")
    assert (found.name, found.control) == ("incentive", "free")
    assert found.arms == {"plain": 0.25, "free": 0.75}
    assert len(inline(f"factors: {FACTORS}").levels) == 4


@pytest.mark.parametrize(
    ("fields", "place", "detail"),
    [
        ("arms: {plain: 1}", ":6: steps[1].test.arms: ", "2 to 100 arms"),
        ("arms: {plain: 1, free: no}", ":6: steps[1].test.arms.free: ", "above zero"),
        ("arm: {plain: 1, free: 1}", ":6: steps[1].test.arm: ", "name, arms, factors, control"),
        ("then: {}", ":4: steps[1].test: ", "found none of them"),
        ("factors: [a]", ":6: steps[1].test.factors: ", "factors and their levels"),
        ("arms: {a: 1, b: 0.00001}", ":4: steps[1].test: ", "the arm b would get nobody"),
    ],
)
def test_a_test_inside_a_journey_is_refused_at_its_step(
    fields: str, place: str, detail: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        inline(fields)
    assert place in caught.value.message
    assert caught.value.message.startswith("journeys/welcome.yaml:")
    assert detail in caught.value.detail


def test_a_control_of_a_test_is_one_of_its_arms() -> None:
    with pytest.raises(DefinitionError, match=r"test\.control: .*There is no arm 'c'"):
        inline("arms: {a: 1, b: 1}\n      control: c")


@pytest.mark.parametrize("name", ["universal", "Free Shipping", "a+b"])
def test_a_test_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(DefinitionError, match=r"steps\[1\]\.test\.name: "):
        inline("arms: {a: 1, b: 1}", name)


def laid(parts: Mapping[str, tuple[str, int, int]]) -> dict[str, Document]:
    return {
        name: file(
            f"experiment: {name}\narms: {{a: 1, b: 1}}\n"
            f"layer: {{name: {layer}, from: {start}%, to: {end}%}}\n",
            name,
        )
        for name, (layer, start, end) in parts.items()
    }


def test_parts_of_a_layer_may_touch() -> None:
    documents = laid({"x": ("home", 0, 30), "y": ("home", 30, 60), "z": ("cart", 10, 40)})
    free = check(file("{experiment: f, arms: {a: 1, b: 1}}"), Known())
    check_layers([free, *(check(document, Known()) for document in documents.values())])


@pytest.mark.parametrize(
    ("parts", "place", "detail"),
    [
        (
            {"x": ("home", 20, 60), "y": ("home", 50, 80)},
            "experiments/y.yaml:3: layer",
            "x and y share 50% to 60% of the layer home",
        ),
        (
            {"x": ("home", 0, 90), "y": ("home", 10, 20), "z": ("home", 50, 60)},
            "experiments/y.yaml:3: layer",
            "x and y share 10% to 20%",
        ),
        (
            {"y": ("home", 40, 50), "x": ("home", 40, 50)},
            "experiments/y.yaml:3: layer",
            "x and y share 40% to 50%",
        ),
    ],
)
def test_parts_of_a_layer_must_not_overlap(
    parts: Mapping[str, tuple[str, int, int]], place: str, detail: str
) -> None:
    documents = laid(parts)
    experiments = [check(document, Known()) for document in documents.values()]
    with pytest.raises(DefinitionError) as caught:
        check_layers(experiments, documents)
    assert caught.value.place == place
    assert detail in caught.value.detail
    with pytest.raises(DefinitionError, match=r"experiments/y\.yaml: layer"):
        check_layers(experiments)


def test_a_part_inside_a_wide_one_is_found_behind_a_small_one() -> None:
    documents = laid({"x": ("home", 0, 90), "y": ("cart", 0, 10), "z": ("home", 80, 95)})
    with pytest.raises(DefinitionError, match="x and z share 80% to 90%"):
        check_layers([check(document, Known()) for document in documents.values()])
