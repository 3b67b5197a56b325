"""Sums by SQL against the same sums counted out in plain Python, on random people and events."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from courtesy.ground.lake import DuckDBEngine, Lake
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.rules import Did, parse
from courtesy.ground.stats import Moments, winsorised
from courtesy.stages.events.model import EVENTS
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.lift import (
    CONVERSION,
    COUNT,
    DAY,
    SUM,
    TIME,
    UNKNOWN,
    By,
    Metric,
    Outcome,
    Plan,
    Ratio,
    Tally,
    tallies,
)

START = datetime(2026, 3, 1, 7, tzinfo=UTC)
NOW = START + timedelta(days=14, hours=5)
ONE = timedelta(days=1)
HISTORY = 6 * ONE
SPENT = Metric("spent", SUM, ("Order",), property="cart.total", within=4 * ONE)
ORDERS = Metric("orders", COUNT, ("Order", "Reorder"), within=5 * ONE)
METRICS: list[Metric | Ratio] = [
    Metric("bought", CONVERSION, ("Order", "Reorder"), within=3 * ONE, at_least=2),
    ORDERS,
    SPENT,
    Metric("ever", COUNT, ("Visit",)),
    Metric("back", CONVERSION, ("Visit",), after=2 * ONE, within=3 * ONE),
    Metric("first", TIME, ("Order", "Reorder"), after=ONE, within=7 * ONE, better="lower"),
    replace(SPENT, name="capped", cap=40.0),
    replace(SPENT, name="held", winsorise=0.8),
    replace(ORDERS, name="held orders", winsorise=0.9, within=None),
    Ratio("basket", replace(SPENT, winsorise=0.9), ORDERS),
]
_visit = parse({"did": "Visit", "where": {"kind": {"is": "long"}}})
_seen = parse({"did": "Seen"})
assert isinstance(_visit, Did)
assert isinstance(_seen, Did)
TRIGGER, RECEIVED = _visit, _seen


@dataclass
class Person:
    """One person as the raw rows tell."""

    name: str
    arm: str
    exposed_at: datetime
    unit: str
    segment: str
    events: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)


def people(seed: int = 7, number: int = 150) -> list[Person]:
    """Households of one to four in one arm each; a few segments; events before and after."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(number):
        house = int(random.integers(0, number // 2))
        person = Person(
            name=f"p{i}",
            arm="abc"[house % 3],
            exposed_at=START + timedelta(hours=int(random.integers(0, 14 * 24))),
            unit=f"h{house}",
            segment=random.choice(["gold", "blue", ""]),
        )
        for _ in range(random.poisson(9)):
            name = str(random.choice(["Order", "Reorder", "Visit", "Seen"]))
            kind = str(random.choice(["long", "short"]))
            total = round(float(random.lognormal(3, 1)) * random.choice([1, 1, 1, -1]), 2)
            at = person.exposed_at + timedelta(minutes=int(random.integers(-9000, 9000)))
            person.events.append((at, name, {"cart": {"total": total}, "kind": kind}))
        found.append(person)
    return found


PEOPLE = people()


def exposed(everyone: Sequence[Person] = PEOPLE) -> pl.DataFrame:
    rows = [
        {
            "experiment": "e",
            "person_id": person.name,
            "arm": person.arm,
            "exposed_at": person.exposed_at,
            "entry": "{}",
            "unit": person.unit,
        }
        for person in everyone
    ]
    return pl.DataFrame(rows, schema=EXPOSURES.schema)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DuckDBEngine:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    rows = [
        {
            "message_id": f"{person.name}-{number}",
            "person_id": person.name,
            "type": "track",
            "event": name,
            "occurred_at": at,
            "received_at": at,
            "source": "test",
            "properties": json.dumps(properties),
            "context": "{}",
        }
        for person in PEOPLE
        for number, (at, name, properties) in enumerate(person.events)
    ]
    lake.append(EVENTS, pl.DataFrame(rows, schema=EVENTS.schema), writer="test", version=1)
    return DuckDBEngine(lake)


def begin(person: Person, trigger: Did | None) -> datetime | None:
    """From when on the person counts."""
    if trigger is None:
        return person.exposed_at
    found = [
        at
        for at, name, properties in person.events
        if name == trigger.event and properties["kind"] == "long" and person.exposed_at <= at <= NOW
    ]
    return min(found, default=None)


def value(metric: Metric, person: Person, first: datetime, last: datetime) -> float:
    """The metric over the events from ``first`` on and before ``last``, without any limit."""
    found = [
        (at, properties)
        for at, name, properties in sorted(person.events, key=lambda event: event[0])
        if name in metric.events and first <= at < last and at <= NOW
    ]
    if metric.kind == CONVERSION:
        return float(len(found) >= metric.at_least)
    if metric.kind == COUNT:
        return float(len(found))
    total = math.fsum(properties["cart"]["total"] for _, properties in found)
    return total if metric.cap is None else min(total, metric.cap)


def outcome(metric: Metric, person: Person, start: datetime) -> float:
    last = start + metric.within if metric.within else datetime.max.replace(tzinfo=UTC)
    if metric.kind != TIME:
        return value(metric, person, start + metric.after, last)
    return _days(metric, person, start + metric.after, last, start)


def covariate(metric: Metric, person: Person, start: datetime) -> float:
    if metric.kind != TIME:
        return value(metric, person, start - HISTORY, start)
    return _days(metric, person, start - HISTORY, start, start - HISTORY)


def _days(
    metric: Metric, person: Person, first: datetime, last: datetime, since: datetime
) -> float:
    found = [at for at, name, _ in person.events if name in metric.events and first <= at < last]
    return (min([*(at for at in found if at <= NOW), last]) - since) / ONE


def limit(metric: Metric, find: Callable[..., float], starts: Mapping[str, datetime]) -> float:
    if metric.winsorise is None:
        return math.inf
    within = metric.within or timedelta(0)
    over = [p for p in PEOPLE if p.name in starts and starts[p.name] + within <= NOW]
    everyone = np.array([find(metric, person, starts[person.name]) for person in over])
    return winsorised([everyone], metric.winsorise)[1]


@dataclass(frozen=True)
class Row:
    """The columns of one person or cluster."""

    arm: str
    group: str
    columns: list[float]


def plain(plan: Plan, metric: Metric | Ratio, by: By) -> list[Row]:
    """The rows of a metric, counted out."""
    both = [metric.top, metric.bottom] if isinstance(metric, Ratio) else [metric]
    within = max(part.within or timedelta(0) for part in both)
    begun = {person.name: begin(person, plan.trigger) for person in PEOPLE}
    starts = {name: at for name, at in begun.items() if at is not None and at <= NOW}
    finds = [outcome, covariate] if plan.history else [outcome]
    limits = {(part, find): limit(part, find, starts) for part in both for find in finds}
    whole: dict[tuple[str, ...], list[tuple[str, list[float]]]] = {}
    for person in PEOPLE:
        start = starts.get(person.name)
        if start is None or start + within > NOW:
            continue
        columns = [
            [min(find(part, person, start), limits[part, find]) for part in both] for find in finds
        ]
        if plan.clustered:
            columns.insert(1, [1.0])
        if plan.received:
            last = start + within if within else NOW + ONE
            seen = value(Metric("", CONVERSION, ("Seen",)), person, start, last)
            columns.append([seen])
        day = (start + within).date().isoformat()
        segment = "" if by is None else day if isinstance(by, str) else person.segment or UNKNOWN
        unit = person.unit if plan.clustered else person.name
        key = (person.arm, unit) if isinstance(by, str) else (person.arm, unit, segment)
        whole.setdefault(key, []).append((segment, [x for part in columns for x in part]))
    return [
        Row(key[0], max(g for g, _ in parts), np.sum([c for _, c in parts], axis=0).tolist())
        for key, parts in whole.items()
    ]


def assert_alike(found: Moments, rows: Sequence[Sequence[float]], kept: Sequence[int]) -> None:
    wanted = Moments.of(np.array(rows)[:, kept]) if rows else None
    assert float(found.count) == len(rows)
    if wanted is not None:
        np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.scatter, wanted.scatter, rtol=1e-8, atol=1e-6)


SEGMENTS = pl.DataFrame(
    {"person_id": [p.name for p in PEOPLE], "segment": [p.segment or None for p in PEOPLE]}
)
BYS: dict[str, By] = {"none": None, "day": DAY, "segment": SEGMENTS}


@pytest.mark.parametrize("trigger", [None, TRIGGER], ids=["exposed", "triggered"])
@pytest.mark.parametrize("history", [None, HISTORY], ids=["plain", "history"])
@pytest.mark.parametrize("clustered", [False, True], ids=["people", "clusters"])
@pytest.mark.parametrize("by", list(BYS))
def test_sums_are_those_counted_out_by_hand(
    engine: DuckDBEngine,
    by: str,
    clustered: bool,  # noqa: FBT001 - a parameter of the test
    history: timedelta | None,
    trigger: Did | None,
) -> None:
    plan = Plan(
        "e", "a", METRICS, history=history, clustered=clustered, trigger=trigger, received=RECEIVED
    )
    found = tallies(engine, exposed(), plan, now=NOW, by=BYS[by])
    assert [tally.group for tally in found] == sorted({tally.group for tally in found})
    for i, metric in enumerate(METRICS):
        rows = plain(plan, metric, BYS[by])
        values = 2 if isinstance(metric, Ratio) else 1
        own = values + clustered
        covariates = values if history else 0
        assert {row.group for row in rows} <= {tally.group for tally in found}
        for tally in found:
            for arm in "abc":
                mine = [r.columns for r in rows if (r.arm, r.group) == (arm, tally.group)]
                assert_alike(tally.outcomes[i].moments[arm], mine, range(own + covariates))
                kept = [*range(own), own + covariates]
                assert_alike(tally.reached[i].moments[arm], mine, kept)


def together(found: Sequence[Tally], i: int, arm: str) -> Moments:
    return reduce(add, (tally.outcomes[i].moments[arm] for tally in found))


@pytest.mark.parametrize(
    ("by", "clustered"), [("day", False), ("day", True), ("segment", False)], ids=str
)
def test_the_groups_add_up_to_the_whole(
    engine: DuckDBEngine,
    by: str,
    clustered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    plan = Plan("e", "a", METRICS, history=HISTORY, clustered=clustered)
    (whole,) = tallies(engine, exposed(), plan, now=NOW)
    found = tallies(engine, exposed(), plan, now=NOW, by=BYS[by])
    assert len(found) > 2
    for i, _ in enumerate(METRICS):
        for arm in "abc":
            wanted, summed = whole.outcomes[i].moments[arm], together(found, i, arm)
            assert float(summed.count) == float(wanted.count) > 0
            np.testing.assert_allclose(summed.mean, wanted.mean, rtol=1e-9)
            np.testing.assert_allclose(summed.scatter, wanted.scatter, rtol=1e-8, atol=1e-6)


def test_a_tally_says_of_whom(engine: DuckDBEngine) -> None:
    plan = Plan("e", "a", [SPENT], clustered=True, trigger=TRIGGER)
    (whole,) = tallies(engine, exposed(), plan, now=NOW)
    came = [p for p in PEOPLE if p.exposed_at <= NOW]
    begun = [p for p in came if (at := begin(p, TRIGGER)) is not None and at <= NOW]
    assert whole.exposed == {arm: sum(p.arm == arm for p in came) for arm in "abc"}
    assert whole.units == {arm: sum(p.arm == arm for p in begun) for arm in "abc"}
    assert whole.assigned == {arm: len({p.unit for p in begun if p.arm == arm}) for arm in "abc"}
    assert sum(whole.units.values()) < sum(whole.exposed.values())


@pytest.mark.parametrize("clustered", [False, True])
def test_by_day_people_are_there_once_their_time_is_over(
    engine: DuckDBEngine,
    clustered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    plan = Plan("e", "a", METRICS, clustered=clustered)
    days = tallies(engine, exposed(), plan, now=NOW, by=DAY)
    over = [person for person in PEOPLE if person.exposed_at + 7 * ONE <= NOW]
    for arm in "abc":
        assert sum(day.units[arm] for day in days) == sum(one.arm == arm for one in over)


def only(found: Sequence[Tally]) -> Outcome:
    return found[0].outcomes[0]


def test_which_columns_make_up_a_metric(engine: DuckDBEngine) -> None:
    def pairs(metric: Metric | Ratio, **how: Any) -> object:  # noqa: ANN401 - fields of a plan
        (found,) = tallies(engine, exposed(), Plan("e", "a", [metric], **how), now=NOW)
        return [one.pairs for one in (*found.outcomes, *found.reached)]

    basket = METRICS[-1]
    assert pairs(SPENT) == [((0, None),)]
    assert pairs(SPENT, history=HISTORY) == [((0, None), (1, None))]
    assert pairs(SPENT, clustered=True, history=HISTORY) == [((0, 1), (2, 1))]
    assert pairs(basket, history=HISTORY) == [((0, 1), (2, None), (3, None))]
    assert pairs(basket, clustered=True, history=HISTORY) == [((0, 1), (3, 2), (4, 2))]
    assert pairs(SPENT, received=RECEIVED)[1:] == [((0, None), (1, None))]  # type: ignore[index]
    assert pairs(basket, received=RECEIVED, clustered=True)[1:] == [((0, 1), (3, 2))]  # type: ignore[index]


def test_nobody_exposed_is_no_group(engine: DuckDBEngine) -> None:
    assert tallies(engine, exposed([]), Plan("e", "a", [SPENT]), now=NOW) == []


def test_whoever_has_no_unit_is_a_cluster_alone(engine: DuckDBEngine) -> None:
    single = exposed().with_columns(unit=pl.lit(None, pl.String))
    clusters = only(tallies(engine, single, Plan("e", "a", [SPENT], clustered=True), now=NOW))
    people = only(tallies(engine, single, Plan("e", "a", [SPENT]), now=NOW))
    for arm in "abc":
        assert clusters.moments[arm].count == people.moments[arm].count
        np.testing.assert_allclose(clusters.moments[arm].mean[:1], people.moments[arm].mean)


def test_people_who_turn_out_to_be_one_are_one_in_a_cluster_and_a_segment(
    tmp_path: Path,
) -> None:
    everyone = exposed().with_columns(unit=pl.col("person_id"), arm=pl.lit("a"))
    merges = pl.DataFrame({"person_id": ["p1"], "into_id": ["p0"]})
    plan = Plan("e", "a", [replace(SPENT, within=None)], clustered=True)
    segments = pl.DataFrame({"person_id": ["p1"], "segment": ["gold"]})
    now = START + 15 * ONE
    found = tallies(
        DuckDBEngine(Lake(tmp_path)), everyone, plan, now=now, merges=merges, by=segments
    )
    assert {tally.group: tally.assigned for tally in found} == {
        "gold": {"a": 1},
        UNKNOWN: {"a": len(PEOPLE) - 2},
    }


def test_clusters_have_to_be_known(engine: DuckDBEngine) -> None:
    plan = Plan("e", "a", [SPENT], clustered=True)
    with pytest.raises(DefinitionError, match="clusters"):
        tallies(engine, exposed().drop("unit"), plan, now=NOW)
