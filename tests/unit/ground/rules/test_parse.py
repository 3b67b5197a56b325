"""What the condition language says, and what it refuses with the path of the faulty node."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from courtesy.ground.primitives.errors import ConditionError
from courtesy.ground.rules import (
    AllOf,
    AnyOf,
    Consented,
    Did,
    Member,
    Not,
    Reachable,
    Sequence,
    Trait,
    describe,
    leaves,
    mentions,
    parse,
)
from courtesy.ground.rules.model import Comparison, Operator, Where
from courtesy.ground.rules.node import spell

DESIGN = """
all:
  - {trait: tier, is: gold}
  - {did: Order Completed, at_least: 2, within: 30d, where: {value: {gt: 50}}}
  - {not: {did: App Opened, within: 7d}}
  - {sequence: [{did: Product Viewed}, {did: Order Completed}], within: 3d}
  - {in: vip}
  - {reachable: push}
  - {consented: {topic: offers, channel: email}}
"""


def test_the_example_of_the_design_is_read_as_it_is_meant() -> None:
    assert parse(yaml.safe_load(DESIGN)) == AllOf(
        (
            Trait("tier", (Comparison(Operator.IS, ("gold",)),)),
            Did(
                "Order Completed",
                at_least=2,
                within=timedelta(days=30),
                where=(Where(("value",), (Comparison(Operator.GT, (50,)),)),),
            ),
            Not(Did("App Opened", within=timedelta(days=7))),
            Sequence((Did("Product Viewed"), Did("Order Completed")), timedelta(days=3)),
            Member("vip"),
            Reachable("push"),
            Consented("offers", "email"),
        )
    )


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        ({"did": "X"}, (1, None)),
        ({"did": "X", "at_least": 3}, (3, None)),
        ({"did": "X", "at_most": 2}, (0, 2)),
        ({"did": "X", "at_most": 0}, (0, 0)),
        ({"did": "X", "at_least": 2, "at_most": 2}, (2, 2)),
        ({"did": "X", "exactly": 0}, (0, 0)),
        ({"did": "X", "exactly": 4}, (4, 4)),
    ],
)
def test_counts(data: object, counts: tuple[int, int | None]) -> None:
    did = parse(data)
    assert isinstance(did, Did)
    assert (did.at_least, did.at_most) == counts


def test_properties_are_paths_with_spaces_shorthands_and_several_comparisons() -> None:
    did = parse(
        {
            "did": "X",
            "where": {
                "order.ship to.city": "Berlin",
                "value": {"gte": 5, "lt": 10},
                "offer id": {"same_as": "entry"},
                "coupon": {"same_as": {"entry": "offer.code"}, "is_not": "NONE"},
            },
        }
    )
    assert isinstance(did, Did)
    assert did.where == (
        Where(("order", "ship to", "city"), (Comparison(Operator.IS, ("Berlin",)),)),
        Where(("value",), (Comparison(Operator.GTE, (5,)), Comparison(Operator.LT, (10,)))),
        Where(("offer id",), (), ("offer id",)),
        Where(("coupon",), (Comparison(Operator.IS_NOT, ("NONE",)),), ("offer", "code")),
    )


def test_dates_of_yaml_are_text_as_events_carry_it() -> None:
    trait = parse(
        {
            "trait": "since",
            "in": [
                date(2018, 7, 26),
                datetime(2018, 7, 26, 1, 2, 3, tzinfo=UTC),
                datetime(2018, 7, 26, 1, 2, 3),  # noqa: DTZ001 - YAML yields it without a zone
            ],
        }
    )
    assert isinstance(trait, Trait)
    assert trait.comparisons[0].operands == (
        "2018-07-26",
        "2018-07-26T01:02:03Z",
        "2018-07-26T01:02:03",
    )


LOOP: list[object] = []
LOOP.append({"all": LOOP})
DEEP: dict[str, Any] = {"did": "X"}
for _ in range(40):
    DEEP = {"not": DEEP}

REFUSED: list[tuple[object, str, str]] = [
    (None, "", "A condition is a mapping"),
    ([], "", "A condition is a mapping"),
    ("did X", "", "A condition is a mapping"),
    ({}, "", "A condition is a mapping"),
    ({1: "x"}, "", "A field's name is text"),
    ({"bid": "X"}, "bid", "Known: all, any, not, trait, did"),
    ({"did": "X", "atleast": 2}, "atleast", "Known here: did, at_least, at_most, exactly"),
    ({"all": [{"did": "X"}], "any": []}, "any", "Known here: all."),
    ({"all": []}, "all", "one or more conditions"),
    ({"any": {"did": "X"}}, "any", "one or more conditions"),
    ({"all": [{"did": "X"}, {"any": [{"did": 5}]}]}, "all[1].any[0].did", "It should be a name"),
    ({"not": [{"did": "X"}]}, "not", "A condition is a mapping"),
    ({"did": " "}, "did", "It should be a name"),
    ({"did": "a\x00b"}, "did", "without NUL"),
    ({"did": "\ud800"}, "did", "without NUL"),
    ({"did": "x" * 1001}, "did", "at most 1000 characters"),
    ({"did": "X", "at_least": 0}, "at_least", "from 1 to"),
    ({"did": "X", "at_least": True}, "at_least", "whole number"),
    ({"did": "X", "at_least": 1.5}, "at_least", "whole number"),
    ({"did": "X", "at_most": -1}, "at_most", "from 0 to"),
    ({"did": "X", "at_most": 10**30}, "at_most", "to 1000000"),
    ({"did": "X", "at_least": 3, "at_most": 2}, "at_least", "at least 3 and at most 2"),
    ({"did": "X", "exactly": 3, "at_most": 2}, "exactly", "goes without"),
    ({"did": "X", "within": 7}, "within", "a duration such as 7d; found 7"),
    ({"did": "X", "within": "7 days"}, "within", "A duration is a number"),
    ({"did": "X", "within": "-7d"}, "within", "A duration is a number"),
    ({"did": "X", "within": "0d"}, "within", "longer than nothing"),
    ({"did": "X", "within": "999999w"}, "within", "at most 3660d"),
    ({"did": "X", "where": {}}, "where", "holds properties"),
    ({"did": "X", "where": []}, "where", "holds properties"),
    ({"did": "X", "where": {"v": None}}, "where.v", "text, a number or a boolean"),
    ({"did": "X", "where": {"v": [1]}}, "where.v", "text, a number or a boolean"),
    ({"did": "X", "where": {"v": {}}}, "where.v", "holds fields"),
    ({"did": "X", "where": {"v": {"above": 5}}}, "where.v.above", "Known here: is, is_not"),
    ({"did": "X", "where": {"v": {"gt": True}}}, "where.v.gt", "have an order"),
    ({"did": "X", "where": {"v": {"gt": [1]}}}, "where.v.gt", "text, a number or a boolean"),
    ({"did": "X", "where": {"v": {"gt": float("nan")}}}, "where.v.gt", "finite"),
    ({"did": "X", "where": {"v": float("inf")}}, "where.v", "finite"),
    ({"did": "X", "where": {"v": 2**53 + 1}}, "where.v", "not exact"),
    ({"did": "X", "where": {"v": {"in": "a"}}}, "where.v.in", "a list of values"),
    ({"did": "X", "where": {"v": {"in": []}}}, "where.v.in", "a list of values"),
    ({"did": "X", "where": {"v": {"in": [1, None]}}}, "where.v.in[1]", "text, a number"),
    ({"did": "X", "where": {"v": {"contains": [5]}}}, "where.v.contains", "It should be text, a n"),
    ({"did": "X", "where": {"v": {"starts_with": 5}}}, "where.v.starts_with", "should be text;"),
    ({"did": "X", "where": {"v": {"exists": "yes"}}}, "where.v.exists", "true or false"),
    ({"did": "X", "where": {"v": {"same_as": "now"}}}, "where.v.same_as", "entry, or"),
    ({"did": "X", "where": {"v": {"same_as": {"exit": "v"}}}}, "where.v.same_as.exit", "Known"),
    ({"did": "X", "where": {"v": {"same_as": {"entry": 5}}}}, "where.v.same_as.entry", "a name"),
    ({"did": "X", "where": {"a..b": 1}}, "where.a..b", "names with dots"),
    ({"did": "X", "where": {"a.*": 1}}, "where.a.*", "names with dots"),
    ({"did": "X", "where": {"a\x00": 1}}, "where.a\x00", "without NUL"),
    ({"trait": "tier"}, "", "compare the trait with one of is, is_not"),
    ({"trait": "tier", "equals": "gold"}, "equals", "Known here: trait, is"),
    ({"trait": "tier", "did": "X"}, "did", "trait has no field of this name"),
    ({"trait": {"a": 1}, "is": 1}, "trait", "It should be a name"),
    ({"sequence": [{"did": "X"}]}, "sequence", "2 to 10 events"),
    ({"sequence": [{"did": "X"}] * 11}, "sequence", "at most 10 events"),
    ({"sequence": [{"did": "X"}, {"trait": "t", "is": 1}]}, "sequence[1].trait", "Known here: did"),
    ({"sequence": [{"did": "X"}, {"where": {"v": 1}}]}, "sequence[1]", "needs did"),
    (
        {"sequence": [{"did": "X"}, {"did": "Y", "within": "1d"}]},
        "sequence[1].within",
        "Known here: did, where",
    ),
    ({"in": ["vip"]}, "in", "It should be a name"),
    ({"reachable": 1}, "reachable", "It should be a name"),
    ({"consented": "offers"}, "consented", "holds fields"),
    ({"consented": {"topic": "offers"}}, "consented", "It needs channel"),
    ({"consented": {"topic": "offers", "chanel": "email"}}, "consented.chanel", "Known here"),
    (DEEP, ".".join(["not"] * 40), "more than 40 deep"),
    (LOOP[0], "all[0]." * 40, "more than 40 deep"),
]


@pytest.mark.parametrize(("data", "place", "words"), REFUSED)
def test_what_is_not_a_condition_is_refused_at_its_node(
    data: object, place: str, words: str
) -> None:
    with pytest.raises(ConditionError) as refused:
        parse(data)
    assert refused.value.place == place.removesuffix(".")
    assert words in refused.value.detail


def test_the_place_begins_where_the_condition_stands() -> None:
    path = ("steps", 2, "branch", 0, "if")
    bad = {"all": [{"did": "X"}, {"did": 5}]}
    with pytest.raises(ConditionError, match=r"^steps\[2\]\.branch\[0\]\.if\.all\[1\]\.did: "):
        parse(bad, path)
    with pytest.raises(ConditionError, match=r"^a.yaml:7 steps\[2\]"):
        parse(bad, path, place=lambda found: f"a.yaml:7 {spell(found)}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "not", "did", "where", "within", "trait", "is", "in", "sequence"]
            )
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=500, deadline=None)
def test_any_data_is_a_condition_or_refused(data: object) -> None:
    try:
        condition = parse(data)
    except ConditionError as refused:
        assert refused.detail  # noqa: PT017 - either outcome is right
    else:
        assert list(leaves(condition))


def test_mentions_names_all_that_is_spoken_of() -> None:
    entry = {"did": "Offer Completed", "where": {"offer": {"same_as": "entry"}}}
    found = mentions(AnyOf((parse(yaml.safe_load(DESIGN)), parse(entry))))
    assert found.events == {
        "Order Completed",
        "App Opened",
        "Product Viewed",
        "Offer Completed",
    }
    assert found.audiences == {"vip"}
    assert found.channels == {"push", "email"}
    assert found.traits == {"tier"}
    assert found.topics == {"offers"}
    assert found.entry
    assert not mentions(parse(yaml.safe_load(DESIGN))).entry


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"did": "X"}, "did X"),
        ({"did": "X", "at_most": 2, "within": "36h"}, "did X, at most 2 times, within 36h"),
        ({"did": "X", "at_least": 2, "within": "2w"}, "did X, at least 2 times, within 14d"),
        ({"did": "X", "exactly": 0, "within": "90s"}, "did X, exactly 0 times, within 90s"),
        (
            {"did": "X", "where": {"a b.c": {"gt": 5, "exists": True}, "d": True}},
            "did X, where a b.c gt 5 and a b.c exists and d is true",
        ),
        (
            {"did": "X", "where": {"a": {"same_as": {"entry": "b.c"}}}},
            "did X, where a same as entry b.c",
        ),
        (
            {"sequence": [{"did": "X"}, {"did": "Y"}], "within": "15m"},
            "did X, then did Y, within 15m",
        ),
        ({"trait": "t", "not_in": ["a", 1]}, "trait t not in a, 1"),
        ({"trait": "t", "exists": False}, "trait t does not exist"),
        ({"in": "vip"}, "in vip"),
        ({"reachable": "push"}, "reachable on push"),
        ({"consented": {"topic": "offers", "channel": "sms"}}, "consented to offers on sms"),
    ],
)
def test_a_leaf_in_words(data: object, words: str) -> None:
    ((_, leaf),) = leaves(parse(data))
    assert describe(leaf) == words
