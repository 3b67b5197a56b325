"""Who enters, who moves and what should be said: frames in, frames out."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.definitions import read_yaml
from courtesy.stages.journeys import Journey, Known, Moves, advance, check, conditions_ahead, enter
from courtesy.stages.journeys.model import CANDIDATES, STANDING

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNOWN = Known(frozenset({"hello", "nudge"}), frozenset(), frozenset({"email"}))
TEXT = """
journey: welcome
topic: offers
holdout: {holdout}
entry: {{event: Signed Up, again: {again}}}
steps:
  - send: {{template: hello, expires: 12h}}
  - wait: 1d
  - branch:
      - if: {{did: Order Completed}}
        then: [exit]
      - if: {{did: Cart Filled}}
        then:
          - send: {{template: nudge}}
          - exit
  - send: {{template: hello}}
"""
STRANGERS = pl.DataFrame(schema=STANDING)


def journey(holdout: str = "0%", again: str = "never") -> Journey:
    return check(read_yaml("welcome.yaml", TEXT.format(holdout=holdout, again=again)), KNOWN)


def candidates(*people: str, at: datetime = NOW) -> pl.DataFrame:
    rows = [(person, '{"plan": "pro"}', at, None) for person in people]
    return pl.DataFrame(rows, schema=CANDIDATES, orient="row")


def stood(person: str, *, active: bool, entered: datetime) -> pl.DataFrame:
    return pl.DataFrame([(person, 1, active, entered)], schema=STANDING, orient="row")


def run(enrollments: pl.DataFrame, definition: Journey, now: datetime, **true: set[str]) -> Moves:
    """Advance with facts by the event that a condition asks for."""
    journeys = {("welcome", 1): definition}
    columns = conditions_ahead(enrollments, journeys)
    facts = enrollments.select(pl.col("enrollment_id").alias("subject_id"), "person_id")
    for column, condition in columns.items():
        people = true.get(getattr(condition, "event", "").split()[0].lower(), set())
        holds = [person in people for person in facts["person_id"]]
        facts = facts.with_columns(pl.Series(column, holds, dtype=pl.Boolean))
    return advance(enrollments, journeys, facts, now)


def test_the_first_invitation_counts_and_the_entry_is_kept() -> None:
    twice = pl.concat([candidates("p", at=NOW), candidates("p", at=NOW - timedelta(hours=1))])
    entered = enter(twice, STRANGERS, journey(), 1, NOW)
    assert entered.height == 1
    row = entered.row(0, named=True)
    assert row["entered_at"] == NOW - timedelta(hours=1)
    assert (row["due_at"], row["entry"], row["pass_number"]) == (NOW, '{"plan": "pro"}', 1)


@pytest.mark.parametrize(
    ("again", "active", "days", "enters"),
    [
        ("never", False, 99, False),
        ("always", False, 1, True),
        ("always", True, 1, False),
        ("always", False, 0, False),
        ("30d", False, 29, False),
        ("30d", False, 30, True),
    ],
)
def test_who_may_come_again(again: str, active: bool, days: int, enters: bool) -> None:  # noqa: FBT001 - a table
    standing = stood("p", active=active, entered=NOW - timedelta(days=days))
    entered = enter(candidates("p"), standing, journey(again=again), 1, NOW)
    assert entered["pass_number"].to_list() == ([2] if enters else [])


def test_ids_are_a_pure_function_of_journey_person_and_pass() -> None:
    first = enter(candidates("p", "q"), STRANGERS, journey(), 1, NOW)
    later = enter(candidates("q", "p"), STRANGERS, journey(), 2, NOW + timedelta(days=1))
    assert sorted(first["enrollment_id"]) == sorted(later["enrollment_id"])


def test_the_holdout_is_the_share_that_was_asked_for() -> None:
    people = [f"person-{i}" for i in range(20_000)]
    entered = enter(candidates(*people), STRANGERS, journey(holdout="20%"), 1, NOW)
    held = entered.filter(pl.col("arm") == "holdout").height
    assert abs(held / 20_000 - 0.2) < 4 * (0.2 * 0.8 / 20_000) ** 0.5


def test_a_larger_holdout_keeps_those_it_had() -> None:
    people = [f"person-{i}" for i in range(2_000)]
    small = enter(candidates(*people), STRANGERS, journey(holdout="10%"), 1, NOW)
    large = enter(candidates(*people), STRANGERS, journey(holdout="30%"), 1, NOW)
    held = [set(f.filter(pl.col("arm") == "holdout")["person_id"]) for f in (small, large)]
    assert held[0] < held[1]


def test_who_shares_a_unit_shares_an_arm() -> None:
    people = [f"person-{i}" for i in range(600)]
    units = pl.DataFrame(
        {"person_id": people[:400], "unit": [f"home-{i // 4}" for i in range(400)]}
    )
    definition = journey(holdout="30%")
    entered = enter(candidates(*people), STRANGERS, definition, 1, NOW, units)
    alone = enter(candidates(*people), STRANGERS, definition, 1, NOW)
    assert entered["arm"].tail(200).equals(alone["arm"].tail(200))
    homes = entered.head(400).select("arm", home=units["unit"]).group_by("home")
    assert set(homes.agg(pl.col("arm").n_unique())["arm"]) == {1}
    assert set(entered["arm"].head(400)) == {"holdout", "treated"}


def test_people_go_on_until_they_wait() -> None:
    definition = journey()
    entered = enter(candidates("p"), STRANGERS, definition, 1, NOW)
    moves = run(entered, definition, NOW)
    row = moves.enrollments.row(0, named=True)
    assert (row["step"], row["state"], row["due_at"]) == (
        "steps[2]",
        "active",
        NOW + timedelta(days=1),
    )
    said = moves.sends.row(0, named=True)
    assert (said["template"], said["channels"], said["topic"]) == ("hello", ["email"], "offers")
    assert said["expires_at"] == NOW + timedelta(hours=12)
    assert moves.passages.select("step", "outcome").rows() == [
        ("steps[0]", "said"),
        ("steps[1]", "waited"),
    ]


def test_each_goes_the_way_of_the_first_condition_that_holds() -> None:
    definition = journey()
    entered = enter(candidates("buyer", "cart", "none", "both"), STRANGERS, definition, 1, NOW)
    waiting = run(entered, definition, NOW).enrollments
    later = NOW + timedelta(days=1)
    moves = run(waiting, definition, later, order={"buyer", "both"}, cart={"cart", "both"})
    ended = {r["person_id"]: r["reason"] for r in moves.enrollments.iter_rows(named=True)}
    assert ended == {"buyer": "exit", "cart": "exit", "none": "completed", "both": "exit"}
    said = {r["person_id"]: r["template"] for r in moves.sends.iter_rows(named=True)}
    assert said == {"cart": "nudge", "none": "hello"}
    assert set(moves.enrollments["ended_at"]) == {later}


def test_held_out_people_walk_the_same_way() -> None:
    definition = journey(holdout="50%")
    people = [f"person-{i}" for i in range(200)]
    entered = enter(candidates(*people), STRANGERS, definition, 1, NOW)
    sends = run(entered, definition, NOW).sends
    assert sends.height == 200
    assert set(sends["arm"]) == {"holdout", "treated"}


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(1, 30))
def test_nobody_is_lost_and_nobody_is_told_twice(
    orders: set[int], carts: set[int], number: int
) -> None:
    definition = journey()
    entered = enter(candidates(*map(str, range(number))), STRANGERS, definition, 1, NOW)
    first = run(entered, definition, NOW)
    order, cart = ({str(i) for i in chosen} for chosen in (orders, carts))
    then = run(first.enrollments, definition, NOW + timedelta(days=1), order=order, cart=cart)
    for moves in (first, then):
        assert sorted(moves.enrollments["enrollment_id"]) == sorted(entered["enrollment_id"])
        assert moves.sends["message_id"].is_unique().all()
    assert not set(first.sends["message_id"]) & set(then.sends["message_id"])
    told = set(then.sends["person_id"])
    assert told == {p for p in map(str, range(number)) if p not in order}
