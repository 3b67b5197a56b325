"""What an exposure keeps of its person."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.stages.experiments import EXPOSED, KEPT, Experiment, keep
from courtesy.stages.profiles import TRAITS

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Told = Sequence[tuple[str, str, str, datetime]]


def exposed(*people: str, experiment: str = "e") -> pl.DataFrame:
    rows = [(experiment, person, "a", NOON, "{}", person) for person in people]
    return pl.DataFrame(rows, schema=EXPOSED, orient="row")


def kept(
    rows: pl.DataFrame, told: Told, grouped_by: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], Any]:
    found = keep(rows, pl.DataFrame(told, schema=TRAITS, orient="row"), grouped_by)
    assert found.schema == KEPT
    return {
        (name, person): None if traits is None else json.loads(traits)
        for name, person, traits in found.select("experiment", "person_id", "traits").iter_rows()
    }


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ([], {"tier": None}),
        ([("ann", "tier", '"gold"', NOON - HOUR)], {"tier": "gold"}),
        ([("ann", "tier", '"gold"', NOON)], {"tier": "gold"}),
        ([("ann", "tier", '"gold"', NOON + HOUR)], {}),
        ([("ann", "tier", "null", NOON - HOUR)], {"tier": None}),
        ([("ann", "country", '"NL"', NOON - HOUR)], {"tier": None}),
        ([("bob", "tier", '"gold"', NOON - HOUR)], {"tier": None}),
        (
            [("ann", "tier", '"gold"', NOON - HOUR), ("ann", "tier", '"tin"', NOON - 2 * HOUR)],
            {"tier": "gold"},
        ),
        (
            [("ann", "tier", '"gold"', NOON - HOUR), ("ann", "tier", '"tin"', NOON + HOUR)],
            {"tier": "gold"},
        ),
    ],
)
def test_the_newest_that_was_told_by_then_is_kept(told: Told, wanted: dict[str, Any]) -> None:
    assert kept(exposed("ann"), told, {"e": ["tier"]}) == {("e", "ann"): wanted}


def test_each_experiment_keeps_what_it_names_and_others_nothing() -> None:
    rows = pl.concat([exposed("ann", experiment=name) for name in ("e", "f", "g")])
    told = [("ann", name, f'"{name}"', NOON) for name in ("tier", "country", "size")]
    assert kept(rows, told, {"e": ["tier", "country"], "f": ["size"]}) == {
        ("e", "ann"): {"tier": "tier", "country": "country"},
        ("f", "ann"): {"size": "size"},
        ("g", "ann"): None,
    }


@given(
    name=st.text(min_size=1),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4
    ),
)
def test_any_name_and_any_value_come_back(name: str, value: object) -> None:
    told = [("ann", name, json.dumps(value), NOON)]
    assert kept(exposed("ann", "bob"), told, {"e": [name]}) == {
        ("e", "ann"): {name: value},
        ("e", "bob"): {name: None},
    }


def test_segments_and_strata_are_named_once() -> None:
    arms = {"a": 0.5, "b": 0.5}
    found = Experiment("e", None, None, arms, "a", segments=("tier", "country"), strata="tier")
    assert found.grouped_by == ("tier", "country")
    assert Experiment("e", None, None, arms, "a", strata="tier").grouped_by == ("tier",)
