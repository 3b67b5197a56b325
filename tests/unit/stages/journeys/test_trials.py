"""Who passes a test, in which arm, and what is said to them: frames in, frames out."""

import json
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.ground.definitions import read_yaml
from courtesy.stages import experiments
from courtesy.stages import journeys as stage
from courtesy.stages.journeys import (
    ARMS,
    CANDIDATES,
    ENROLLMENTS,
    TESTED,
    TRIALS,
    Journey,
    Known,
    Moves,
    advance,
    check,
    conditions_ahead,
    enter,
)
from courtesy.stages.journeys.model import STANDING

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHIPPING = experiments.check(
    read_yaml("free-shipping.yaml", "experiment: free-shipping\narms: {control: 1, free: 1}"),
    experiments.Known(),
)
TEMPLATES = frozenset({"hello", "nudge-plain", "nudge-free", "note-plain", "note-story"})
KNOWN = Known(TEMPLATES, frozenset(), frozenset({"email", "sms"}), {"free-shipping": SHIPPING})
INCENTIVE = """
- test: {name: incentive, arms: {plain: 1, free: 1}}
- wait: 1d
- send: {template: "nudge-{{arm}}"}
"""


def journey(steps: str, known: Known = KNOWN) -> Journey:
    text = "journey: welcome\ntopic: offers\nentry: {event: Signed Up}\nsteps:\n"
    return check(read_yaml("welcome.yaml", text + textwrap.dedent(steps).strip("\n")), known)


def entered(definition: Journey, *people: str) -> pl.DataFrame:
    rows = [(person, "{}", NOW, None) for person in people]
    invited = pl.DataFrame(rows, schema=CANDIDATES, orient="row")
    return enter(invited, pl.DataFrame(schema=STANDING), definition, 1, NOW)


def dealt(
    due: pl.DataFrame, arms: Mapping[str, Mapping[str, str]], *, exposed: bool = True
) -> pl.DataFrame:
    """``ARMS`` of enrollments: of each test the arm of each person."""
    ids = dict(due.select("person_id", "enrollment_id").iter_rows())
    rows = [
        (ids[person], test, arm, exposed)
        for test, people in arms.items()
        for person, arm in people.items()
    ]
    return pl.DataFrame(rows, schema=ARMS, orient="row")


def run(
    due: pl.DataFrame,
    definition: Journey,
    arms: Mapping[str, Mapping[str, str]] | None = None,
    now: datetime = NOW,
    buyers: frozenset[str] = frozenset(),
) -> Moves:
    """One tick, in which every condition holds for ``buyers``."""
    journeys = {("welcome", 1): definition}
    facts = due.select(pl.col("enrollment_id").alias("subject_id"), "person_id")
    holds = pl.col("person_id").is_in(sorted(buyers))
    facts = facts.with_columns(holds.alias(name) for name in conditions_ahead(due, journeys))
    return advance(due, journeys, facts, now, dealt(due, arms or {}))


def by_person(frame: pl.DataFrame, column: str) -> dict[str, Any]:
    return dict(frame.select("person_id", column).iter_rows())


def test_who_passes_a_test_is_told_and_remembered() -> None:
    definition = journey(INCENTIVE)
    due = entered(definition, "ana", "bea")
    moves = run(due, definition, {"incentive": {"ana": "free", "bea": "plain"}})
    assert moves.trials.schema == TRIALS
    assert moves.trials.drop("enrollment_id").rows() == [
        ("ana", "welcome", "incentive", "free", True),
        ("bea", "welcome", "incentive", "plain", True),
    ]
    assert by_person(moves.enrollments, "tests") == {
        "ana": '{"incentive":"free"}',
        "bea": '{"incentive":"plain"}',
    }
    assert moves.enrollments.schema == ENROLLMENTS
    passed = moves.passages.filter(pl.col("step") == "steps[0]")
    assert passed["outcome"].to_list() == ["arm free", "arm plain"]


def test_who_waits_keeps_the_arm_and_is_told_what_it_says() -> None:
    definition = journey(INCENTIVE)
    due = entered(definition, "ana", "bea")
    waiting = run(due, definition, {"incentive": {"ana": "free", "bea": "plain"}}).enrollments
    moves = run(waiting, definition, {"incentive": {"ana": "plain"}}, now=NOW + DAY)
    assert by_person(moves.sends, "template") == {"ana": "nudge-free", "bea": "nudge-plain"}
    assert by_person(moves.sends, "variant") == {"ana": '{"arm":"free"}', "bea": '{"arm":"plain"}'}
    assert moves.trials.is_empty()


def test_without_a_test_nothing_varies() -> None:
    definition = journey("- send: {template: hello}\n- test: free-shipping")
    moves = run(entered(definition, "ana"), definition, {"free-shipping": {"ana": "free"}})
    assert by_person(moves.sends, "variant") == {"ana": None}
    assert by_person(moves.enrollments, "tests") == {"ana": '{"free-shipping":"free"}'}
    assert moves.enrollments["reason"].to_list() == ["completed"]


def test_an_arm_goes_its_own_way_and_comes_back() -> None:
    definition = journey("""
        - test: {name: free-shipping, then: {free: [{send: {template: "nudge-{{arm}}"}}]}}
        - send: {template: hello}
        """)
    moves = run(
        entered(definition, "ana", "bea"),
        definition,
        {"free-shipping": {"ana": "free", "bea": "control"}},
    )
    assert moves.sends.select("person_id", "template", "step").sort("person_id", "step").rows() == [
        ("ana", "nudge-free", "steps[0].test.then.free[0]"),
        ("ana", "hello", "steps[1]"),
        ("bea", "hello", "steps[1]"),
    ]


def test_a_cell_of_factors_names_template_and_channels() -> None:
    definition = journey("""
        - test:
            name: mix
            factors: {channel: {email: 1, sms: 1}, content: {plain: 1, story: 1}}
            then: {sms+story: [exit]}
        - send: {template: "note-{{content}}", channel: "{{channel}}"}
        """)
    cells = {"ana": "email+story", "bea": "sms+plain", "cid": "sms+story"}
    moves = run(entered(definition, *cells), definition, {"mix": cells})
    assert by_person(moves.sends, "template") == {"ana": "note-story", "bea": "note-plain"}
    assert by_person(moves.sends, "channels") == {"ana": ["email"], "bea": ["sms"]}
    assert json.loads(by_person(moves.sends, "variant")["ana"]) == {
        "channel": "email",
        "content": "story",
        "arm": "email+story",
    }
    assert by_person(moves.enrollments, "reason")["cid"] == "exit"


def test_channels_in_all_combinations_say_nothing_where_the_level_is_none() -> None:
    definition = journey("""
        - test: {name: mix, factors: {mail: {email: 1, none: 1}, text: {sms: 1, none: 1}}}
        - send: {template: hello, channel: "{{mail}}"}
        - send: {template: hello, channel: ["{{text}}"]}
        """)
    cells = {"ana": "email+sms", "bea": "none+sms", "cid": "email+none", "dot": "none+none"}
    moves = run(entered(definition, *cells), definition, {"mix": cells})
    said = moves.sends.select("person_id", pl.col("channels").list.first()).sort(pl.all())
    assert said.rows() == [("ana", "email"), ("ana", "sms"), ("bea", "sms"), ("cid", "email")]
    outcomes = moves.passages.filter(pl.col("outcome").is_in(["said", "silent"]))
    assert outcomes["outcome"].value_counts().sort("outcome").rows() == [("said", 4), ("silent", 4)]
    assert set(moves.trials["arm"]) == set(cells.values())


NESTED = """
- test: {name: outer, arms: {plain: 1, free: 1}, then: {free: [
    {test: {name: inner, arms: {plain: 1, story: 1}}}, {send: {template: "note-{{arm}}"}}]}}
- branch:
    - if: {did: Paid}
      then:
        - test: {name: aside, arms: {plain: 1, story: 1}}
        - send: {template: "note-{{arm}}"}
- send: {template: "nudge-{{arm}}"}
- test: {name: next, arms: {plain: 1, story: 1}}
- send: {template: "note-{{arm}}"}
"""
PEOPLE = {
    "outer": {"ana": "free", "bea": "plain"},
    "inner": {"ana": "story"},
    "aside": {"bea": "plain"},
    "next": {"ana": "plain", "bea": "story"},
}


def test_each_send_speaks_of_the_nearest_test_before_it() -> None:
    definition = journey(NESTED)
    due = entered(definition, "ana", "bea")
    moves = run(due, definition, PEOPLE, buyers=frozenset({"bea"}))
    said = moves.sends.sort("person_id", "step").select("person_id", "step", "template", "variant")
    assert said.rows() == [
        ("ana", "steps[0].test.then.free[1]", "note-story", '{"arm":"story"}'),
        ("ana", "steps[2]", "nudge-free", '{"arm":"free"}'),
        ("ana", "steps[4]", "note-plain", '{"arm":"plain"}'),
        ("bea", "steps[1].branch[0].then[1]", "note-plain", '{"arm":"plain"}'),
        ("bea", "steps[2]", "nudge-plain", '{"arm":"plain"}'),
        ("bea", "steps[4]", "note-story", '{"arm":"story"}'),
    ]
    remembered = {
        who: json.loads(tests) for who, tests in by_person(moves.enrollments, "tests").items()
    }
    assert remembered == {
        "ana": {"outer": "free", "inner": "story", "next": "plain"},
        "bea": {"outer": "plain", "aside": "plain", "next": "story"},
    }
    assert moves.trials.height == 6


def test_the_tests_ahead_are_those_that_can_be_met_before_the_next_wait() -> None:
    definition = journey(NESTED.replace("- branch:", "- wait: 1d\n- branch:", 1))
    due = entered(definition, "ana", "bea")
    journeys = {("welcome", 1): definition}
    ahead = stage.tests_ahead(due, journeys)
    assert ahead.schema == TESTED
    assert set(ahead.select("person_id", "experiment").rows()) == {
        (person, test) for person in ("ana", "bea") for test in ("outer", "inner")
    }
    assert len(ahead) == 4
    waiting = run(due, definition, PEOPLE).enrollments
    assert set(stage.tests_ahead(waiting, journeys)["experiment"]) == {"aside", "next"}
    assert len(conditions_ahead(waiting, journeys)) == 1
    assert conditions_ahead(due, journeys) == {}
    assert stage.tests_ahead(due.clear(), journeys).schema == TESTED


def test_many_branches_in_a_row_are_looked_through_once() -> None:
    fork = "- branch:\n    - if: {did: Paid}\n      then: [{send: {template: hello}}]\n"
    definition = journey(fork * 60 + "- test: free-shipping")
    due = entered(definition, "ana")
    assert len(conditions_ahead(due, {("welcome", 1): definition})) == 60
    assert stage.tests_ahead(due, {("welcome", 1): definition})["experiment"].to_list() == [
        "free-shipping"
    ]


def test_who_was_dealt_no_arm_gets_the_control_and_takes_no_part() -> None:
    definition = journey("- test: free-shipping\n- send: {template: hello}")
    moves = run(entered(definition, "ana", "bea"), definition, {"free-shipping": {"ana": "free"}})
    assert by_person(moves.trials, "arm") == {"ana": "free", "bea": "control"}
    assert by_person(moves.trials, "exposed") == {"ana": True, "bea": False}
    assert by_person(moves.sends, "variant")["bea"] == '{"arm":"control"}'


def test_an_arm_that_does_not_count_is_an_arm_all_the_same() -> None:
    definition = journey("- test: free-shipping")
    due = entered(definition, "ana")
    arms = dealt(due, {"free-shipping": {"ana": "free"}}, exposed=False)
    facts = due.select(pl.col("enrollment_id").alias("subject_id"))
    moves = advance(due, {("welcome", 1): definition}, facts, NOW, arms)
    assert moves.trials.select("arm", "exposed").rows() == [("free", False)]


def test_held_out_people_walk_the_same_way_and_take_no_part() -> None:
    definition = journey(INCENTIVE)
    due = entered(definition, "ana").with_columns(pl.lit("holdout").alias("arm"))
    moves = run(due, definition, {"incentive": {"ana": "free"}})
    assert moves.trials.select("arm", "exposed").rows() == [("free", False)]
    said = run(moves.enrollments, definition, now=NOW + DAY).sends
    assert said.select("arm", "template").rows() == [("holdout", "nudge-free")]


def test_a_test_that_is_gone_sends_everybody_on() -> None:
    definition = journey(
        """
        - test: {name: gone, then: {b: [exit]}}
        - send: {template: "nudge-{{arm}}"}
        """,
        replace(KNOWN, applied=True),
    )
    moves = run(entered(definition, "ana"), definition)
    assert moves.passages["outcome"].to_list() == ["no arm", "said"]
    assert moves.trials.is_empty()
    assert by_person(moves.enrollments, "tests") == {"ana": None}
    assert by_person(moves.sends, "template") == {"ana": "nudge-{{arm}}"}


@pytest.mark.parametrize("test", ["free-shipping", "gone"])
def test_people_in_flight_keep_an_arm_that_is_gone(test: str) -> None:
    steps = f'- test: {test}\n- wait: 1d\n- send: {{template: "nudge-{{{{arm}}}}"}}'
    definition = journey(steps, replace(KNOWN, applied=True))
    had = entered(definition, "ana").with_columns(
        pl.lit("steps[2]").alias("step"), pl.lit(f'{{"{test}":"half"}}').alias("tests")
    )
    moves = run(had, definition, now=NOW + DAY)
    assert by_person(moves.sends, "template") == {"ana": "nudge-half"}
    assert by_person(moves.sends, "variant") == {"ana": '{"arm":"half"}'}


def test_a_second_pass_keeps_the_arm_unless_chance_says_otherwise() -> None:
    definition = journey("- test: free-shipping\n- wait: 1d\n- test: free-shipping\n- wait: 1d")
    due = entered(definition, "ana", "bea")
    first = run(due, definition, {"free-shipping": {"ana": "free"}}).enrollments
    moves = run(first, definition, {"free-shipping": {"bea": "free"}}, now=NOW + DAY)
    assert by_person(moves.trials, "arm") == {"ana": "free", "bea": "free"}
    assert by_person(moves.trials, "exposed") == {"ana": False, "bea": True}


@given(st.dictionaries(st.integers(0, 40), st.sampled_from(["free", "control", "other"])))
def test_nobody_is_lost_and_everybody_is_told_what_their_arm_says(arms: dict[int, str]) -> None:
    definition = journey("""
        - test: {name: free-shipping, then: {free: [{wait: 1h}]}}
        - send: {template: hello}
        """)
    people = {f"p{number}": arm for number, arm in arms.items()}
    due = entered(definition, *people, "nobody")
    moves = run(due, definition, {"free-shipping": people})
    assert sorted(moves.enrollments["person_id"]) == sorted([*people, "nobody"])
    assert by_person(moves.trials, "arm") == people | {"nobody": "control"}
    told = {who: json.loads(text)["arm"] for who, text in by_person(moves.sends, "variant").items()}
    assert told == {who: arm for who, arm in people.items() if arm != "free"} | {
        "nobody": "control"
    }
