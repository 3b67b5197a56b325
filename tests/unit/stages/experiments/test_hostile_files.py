"""Whatever a file says, it is an experiment or a complaint that has a place."""

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.definitions import Document
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.experiments import Experiment, Known, check, check_inline, frozen

FIELDS = (
    *("experiment", "owner", "arms", "factors", "control", "traffic", "layer", "cluster", "if"),
    *("values", "metrics", "treated_by", "trigger", "segments", "strata", "plan", "observed"),
    *("from", "to", "share", "name", "at", "within", "did", "harm", "metric", "primary", "stops"),
    *("hypothesis", "minimal_effect", "guardrails", "power", "alpha", "longest", "decisions"),
)
WORDS = st.sampled_from((*FIELDS, "a", "b", "1d", "10%", "90%", "-5%", "2026-01-01", "a\x00b", ""))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text() | st.dates()
ANYTHING = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(WORDS, below, max_size=4)
        | st.dictionaries(SCALARS, below, max_size=3)
    ),
    max_leaves=12,
)
WEIGHTS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 5) | ANYTHING, max_size=4)
KNOWN = Known(frozenset({"a"}), frozenset({"a"}), frozenset({"a"}))


def plain(base: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A sound definition, some of whose fields hold anything."""
    strange = st.dictionaries(st.sampled_from(FIELDS[:17]), ANYTHING, max_size=3)
    return strange.map(lambda fields: {**base, **fields})


SOUND = {"experiment": "it", "owner": "a@b", "arms": {"a": 1, "b": 1}}
PLAN = {
    "hypothesis": "a",
    "primary": "a",
    "minimal_effect": "2%",
    "longest": "1d",
    "decisions": {"better": "a", "worse": "b", "not_significant": "c"},
}


def outcome(read: Callable[[], Experiment]) -> Experiment | str:
    """What was read, or the place of the complaint."""
    try:
        return read()
    except DefinitionError as error:
        return error.place


def judged(data: object) -> None:
    found = outcome(lambda: check(Document("experiments/it.yaml", data), KNOWN))
    if isinstance(found, str):
        assert found.startswith("experiments/it.yaml:1")
    else:
        assert abs(sum(found.arms.values()) - 1) < 1e-9
        assert found.control in found.arms
        assert frozen(found)


@given(ANYTHING)
def test_anything_is_judged(data: object) -> None:
    judged(data)


@given(plain(SOUND))
def test_a_sound_file_with_strange_fields_is_judged(data: object) -> None:
    judged(data)


@given(st.dictionaries(st.sampled_from((*PLAN, "power", "alpha", "stops", "guardrails")), ANYTHING))
def test_a_strange_plan_is_judged(strange: dict[str, Any]) -> None:
    judged({**SOUND, "plan": {**PLAN, **strange}})


@given(WEIGHTS, ANYTHING)
def test_a_strange_test_of_a_journey_is_judged(weights: object, control: object) -> None:
    document = Document("journeys/it.yaml", {})
    step = ("steps", 0)
    for fields in ({"arms": weights, "control": control}, {"factors": {"f": weights}}):
        found = outcome(partial(check_inline, document, step, "it", fields))
        if isinstance(found, str):
            assert found.startswith("journeys/it.yaml:1: steps[0]")
        else:
            assert len(found.arms) > 1
