"""Metrics as definitions: what they become, and what is refused, with its place."""

from datetime import timedelta
from textwrap import dedent

import pytest

from courtesy.ground.definitions import read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.rules.model import Comparison, Operator, Where
from courtesy.stages.lift import CONVERSION, COUNT, SUM, TIME, Metric, Ratio, check
from courtesy.stages.lift.model import LOWER

DAY = timedelta(days=1)


def checked(*texts: str) -> dict[str, Metric | Ratio]:
    documents = [
        read_yaml(f"metrics/{number}.yaml", dedent(text)) for number, text in enumerate(texts)
    ]
    return dict(check(documents))


def one(text: str) -> Metric | Ratio:
    (found,) = checked(text).values()
    return found


def refused(*texts: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        checked(*texts)
    return str(caught.value)


def test_a_conversion() -> None:
    assert one("""
        metric: bought
        kind: conversion
        event: Order Completed
        within: 7d
        at_least: 2
        description: Bought twice in a week.
    """) == Metric("bought", CONVERSION, ("Order Completed",), within=7 * DAY, at_least=2)


def test_a_count_of_several_events_by_the_condition_language() -> None:
    found = one("""
        metric: visits
        kind: count
        event: [App Opened, Page Viewed]
        where: {path: {starts_with: /shop}, plan: pro}
        after: 1d
        within: 2w
        cap: 20
    """)
    where = (
        Where(("path",), (Comparison(Operator.STARTS_WITH, ("/shop",)),)),
        Where(("plan",), (Comparison(Operator.IS, ("pro",)),)),
    )
    assert found == Metric(
        "visits",
        COUNT,
        ("App Opened", "Page Viewed"),
        where=where,
        after=DAY,
        within=14 * DAY,
        cap=20.0,
    )


def test_a_sum_is_winsorised_or_compared_at_a_quantile() -> None:
    text = "{metric: m, kind: sum, event: Order, property: cart.total, %s}"
    plain = Metric("m", SUM, ("Order",), "cart.total")
    assert one(text % "winsorise: 99%") == Metric(
        "m", SUM, ("Order",), "cart.total", winsorise=0.99
    )
    assert one(text % "quantile: 50%") == Metric("m", SUM, ("Order",), "cart.total", quantile=0.5)
    assert one(text % "better: higher") == plain


def test_a_ratio_is_of_two_other_metrics_wherever_they_stand() -> None:
    found = checked(
        "{metric: basket, kind: ratio, top: revenue, bottom: orders, better: lower}",
        "{metric: revenue, kind: sum, event: Order, property: total, within: 7d}",
        "{metric: orders, kind: count, event: Order, within: 7d}",
    )
    assert list(found) == ["basket", "revenue", "orders"]
    revenue, orders = found["revenue"], found["orders"]
    assert isinstance(revenue, Metric)
    assert isinstance(orders, Metric)
    assert found["basket"] == Ratio("basket", revenue, orders, LOWER)


def test_retention_is_doing_it_on_that_day() -> None:
    assert one("{metric: day-7, kind: retention, event: App Opened, day: 7}") == Metric(
        "day-7", CONVERSION, ("App Opened",), after=7 * DAY, within=8 * DAY
    )
    assert one("{metric: day-0, kind: retention, event: App Opened, day: 0}") == Metric(
        "day-0", CONVERSION, ("App Opened",), within=DAY
    )


def test_sooner_cheaper_and_fewer_opt_outs_are_better() -> None:
    assert one("{metric: m, kind: time_to_event, event: Order, within: 30d}") == Metric(
        "m", TIME, ("Order",), within=30 * DAY, better=LOWER
    )
    opted_out = one("{metric: m, kind: opt_outs, where: {topic: offers}}")
    where = (Where(("topic",), (Comparison(Operator.IS, ("offers",)),)),)
    events = ("Unsubscribed", "Consent Withdrawn")
    assert opted_out == Metric("m", CONVERSION, events, where=where, better=LOWER)
    assert one("{metric: m, kind: cost, within: 7d}") == Metric(
        "m", SUM, ("Email Sent",), "cost", within=7 * DAY, better=LOWER
    )
    dear = one("{metric: m, kind: cost, event: Refund, property: amount, better: higher}")
    assert dear == Metric("m", SUM, ("Refund",), "amount")


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ("kind: average", "0.yaml:2: kind", "found 'average'"),
        ("kind: count\nevent: X\nproperty: y", "0.yaml:4: property", "count has no property"),
        ("kind: conversion\nevent: X\ncap: 2", "0.yaml:4: cap", "conversion has no cap"),
        ("kind: conversion\nevent: X\nwinsorise: 9%", "0.yaml:4: winsorise", "has no winsorise"),
        ("kind: ratio\ntop: a\nbottom: b\nquantile: 5%", "0.yaml:5: quantile", "has no quantile"),
        ("kind: count\nevent: X\nevents: Y", "0.yaml:4: events", "There is no field of this name"),
        ("kind: sum\nevent: X", "0.yaml:1: property", "needs property, the number"),
        ("kind: count", "0.yaml:1: event", "needs event"),
        ("kind: retention\nevent: X", "0.yaml:1: day", "needs day"),
        ("kind: time_to_event\nevent: X", "0.yaml:1: within", "needs within"),
        ("kind: retention\nevent: X\nday: -1", "0.yaml:4: day", "found -1"),
        ("kind: retention\nevent: X\nday: 9999", "0.yaml:4: day", "found 9999"),
        ("kind: count\nevent: X\nwithin: soon", "0.yaml:4: within", "found 'soon'"),
        ("kind: count\nevent: X\nwithin: 99999w", "0.yaml:4: within", "at most 3660d"),
        ("kind: count\nevent: X\nafter: 7d\nwithin: 7d", "0.yaml:4: after", "start 7d after"),
        ("kind: count\nevent: X\nwinsorise: 0.99", "0.yaml:4: winsorise", "such as 10%"),
        ("kind: count\nevent: X\nwinsorise: 100%", "0.yaml:4: winsorise", "found 100%"),
        ("kind: count\nevent: X\nquantile: 0%", "0.yaml:4: quantile", "found 0%"),
        ("kind: count\nevent: X\ncap: 3\nwinsorise: 99%", "winsorise", "goes without cap"),
        ("kind: count\nevent: X\ncap: 0", "0.yaml:4: cap", "greater than 0"),
        ("kind: count\nevent: []", "0.yaml:3: event", "a list of different ones"),
        ("kind: count\nevent: [X, X]", "0.yaml:3: event", "a list of different ones"),
        ("kind: count\nevent: [X, ' ']", "0.yaml:3: event[1]", "should be a name"),
        ("kind: sum\nevent: X\nproperty: a..b", "0.yaml:4: property", "names with dots"),
        ("kind: count\nevent: X\nwhere: {v: {above: 3}}", "0.yaml:4: where.v.above", "no field"),
        ("kind: count\nevent: X\nwhere: {}", "0.yaml:4: where", "where holds properties"),
        ("kind: conversion\nevent: X\nat_least: 0", "0.yaml:4: at_least", "found 0"),
        ("kind: ratio\ntop: nothing\nbottom: m", "0.yaml:3: top", "no metric 'nothing'"),
        ("kind: ratio\ntop: m\nbottom: m", "0.yaml:3: top", "a ratio itself"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(fields: str, place: str, message: str) -> None:
    found = refused(f"metric: m\n{fields}\n")
    assert place in found
    assert message in found


@pytest.mark.parametrize("name", ["", "Bought", "two words", "-x", "a/b", "é"])
def test_a_name_is_plain(name: str) -> None:
    assert "metric" in refused(f"{{metric: '{name}', kind: opt_outs}}")


def test_two_metrics_have_two_names() -> None:
    found = refused("{metric: m, kind: opt_outs}", "{metric: m, kind: cost}")
    assert found.startswith("metrics/1.yaml:1: metric: ")
    assert "two metrics m" in found


def test_a_ratio_has_no_quantile_inside() -> None:
    found = refused(
        "{metric: r, kind: ratio, top: m, bottom: n}",
        "{metric: m, kind: count, event: X, quantile: 50%}",
        "{metric: n, kind: count, event: X}",
    )
    assert "0.yaml:1: top" in found
    assert "a ratio is of means" in found
