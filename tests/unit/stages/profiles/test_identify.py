"""Who is who, whatever the order in which it is learned."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from courtesy.stages.profiles import identify
from courtesy.stages.profiles.model import KNOWN

START = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = pl.DataFrame(schema=KNOWN)
Ids = tuple[str | None, str | None, str | None]


def events(*ids: Ids) -> pl.DataFrame:
    rows = [(*one, START + timedelta(minutes=i)) for i, one in enumerate(ids)]
    schema = {
        "user_id": pl.String(),
        "anonymous_id": pl.String(),
        "previous_id": pl.String(),
        "occurred_at": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def known(*rows: tuple[str, str, str, bool]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=KNOWN, orient="row")


def persons(frame: pl.DataFrame) -> list[str]:
    return frame["person_id"].to_list()


def test_one_user_is_one_person_with_one_stable_id() -> None:
    first = identify(events(("u", None, None), ("u", None, None)), NOBODY)
    again = identify(events(("u", None, None)), NOBODY)
    assert len(set(persons(first.events))) == 1
    assert persons(first.events)[0] == persons(again.events)[0]
    assert first.people.height == first.identifiers.height == 1
    assert first.people["created_at"].to_list() == [START]


def test_what_was_done_before_signing_up_belongs_to_the_user() -> None:
    found = identify(events((None, "a", None), ("u", "a", None), ("u", None, None)), NOBODY)
    assert len(set(persons(found.events))) == 1
    assert found.merges.is_empty()


def test_a_stored_nameless_person_is_adopted_without_a_merge() -> None:
    stored = known(("anonymous_id", "a", "person-a", False))
    found = identify(events(("u", "a", None)), stored)
    assert persons(found.events) == ["person-a"]
    assert found.identifiers.rows() == [("user_id", "u", "person-a")]
    assert found.merges.is_empty()


def test_a_user_who_comes_to_a_second_device_takes_its_past_over() -> None:
    stored = known(("user_id", "u", "person-u", True), ("anonymous_id", "phone", "person-p", False))
    found = identify(events(("u", "phone", None)), stored)
    assert found.merges.rows() == [("person-p", "person-u")]
    assert ("anonymous_id", "phone", "person-u") in found.identifiers.rows()


def test_a_shared_device_stays_with_its_first_user() -> None:
    stored = known(
        ("user_id", "u", "person-u", True),
        ("user_id", "v", "person-v", True),
        ("anonymous_id", "tablet", "person-u", True),
    )
    found = identify(events(("v", "tablet", None), (None, "tablet", None)), stored)
    assert persons(found.events) == ["person-v", "person-u"]
    assert found.merges.is_empty()


def test_two_new_users_on_one_device_stay_two() -> None:
    found = identify(events(("u", "tablet", None), ("v", "tablet", None)), NOBODY)
    first, second = persons(found.events)
    assert first != second


def test_an_alias_makes_two_people_one() -> None:
    stored = known(("user_id", "old", "person-o", True), ("user_id", "new", "person-n", True))
    found = identify(events(("new", None, "old"), ("old", None, None)), stored)
    assert persons(found.events) == ["person-n", "person-n"]
    assert found.merges.rows() == [("person-o", "person-n")]


def test_an_alias_of_an_unknown_id_names_it() -> None:
    found = identify(events(("u", None, "before"), (None, "before", None)), NOBODY)
    assert len(set(persons(found.events))) == 1


_IDS = st.tuples(st.sampled_from(["u", "v", None]), st.sampled_from(["a", "b", None])).filter(any)


@given(st.lists(_IDS, min_size=1, max_size=8))
def test_everybody_has_a_person_and_a_user_has_only_one(ids: list[tuple[str | None, ...]]) -> None:
    found = identify(events(*((user, anonymous, None) for user, anonymous in ids)), NOBODY)
    assert found.events["person_id"].null_count() == 0
    named = found.events.filter(pl.col("user_id").is_not_null())
    assert (
        named.group_by("user_id").agg(pl.col("person_id").n_unique())["person_id"].is_in([1]).all()
    )
    users = named.group_by("person_id").agg(pl.col("user_id").n_unique())["user_id"]
    assert users.is_in([1]).all(), "two users were taken for one person"


@given(st.lists(_IDS, min_size=1, max_size=6), st.integers(0, 6))
def test_a_batch_cut_in_two_gives_the_same_users(
    ids: list[tuple[str | None, ...]], cut: int
) -> None:
    rows: list[Ids] = [(user, anonymous, None) for user, anonymous in ids]
    whole = identify(events(*rows), NOBODY)
    first = identify(events(*rows[:cut]), NOBODY) if rows[:cut] else None
    stored = NOBODY
    if first is not None:
        named = first.identifiers.filter(pl.col("kind") == "user_id")["person_id"]
        stored = first.identifiers.with_columns(
            pl.col("person_id").is_in(named.implode()).alias("named")
        ).select(list(KNOWN))
    rest = identify(events(*rows[cut:]), stored) if rows[cut:] else None
    if rest is not None:
        for user in {user for user, _ in ids[cut:] if user}:
            mine = rest.events.filter(pl.col("user_id") == user)["person_id"].unique().to_list()
            assert len(mine) == 1
    assert whole.events.height == len(rows)
