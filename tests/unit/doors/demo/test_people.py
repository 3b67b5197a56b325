import numpy as np
import polars as pl

from courtesy.doors.demo.people import LONG_AGO, People, draw
from courtesy.doors.demo.zones import ZONES

HOURS = 240


def drawn(seed: int, number: int = 5_000) -> People:
    return draw(number, HOURS, np.random.default_rng(seed))


def test_the_same_seed_draws_the_same_people_and_another_seed_others() -> None:
    first, again, other = drawn(1), drawn(1), drawn(2)
    assert first.email.equals(again.email)
    assert (first.appetite == again.appetite).all()
    assert not (first.appetite == other.appetite).all()


def test_everybody_has_a_name_of_their_own_and_some_have_no_address() -> None:
    people = drawn(1)
    assert people.user_id.n_unique() == len(people)
    assert 50 < people.email.null_count() < 250
    assert people.email.drop_nulls().n_unique() == len(people) - people.email.null_count()


def test_people_live_in_every_zone_about_as_often_as_its_share_says() -> None:
    people = drawn(1, 20_000)
    shares = np.bincount(people.zone, minlength=len(ZONES)) / len(people)
    assert np.abs(shares - [zone.share for zone in ZONES]).max() < 0.01


def test_newcomers_join_within_the_simulation_and_the_others_were_there_before() -> None:
    joins = pl.Series(drawn(1).joins)
    new = joins.filter(joins >= 0)
    assert 0.25 < len(new) / len(joins) < 0.35
    assert joins.filter(joins < 0).unique().to_list() == [LONG_AGO]
    assert new.max() == HOURS - 1


def test_some_allow_everything_some_one_topic_and_some_nothing() -> None:
    allows = drawn(1).allows
    assert {tuple(row) for row in allows.tolist()} == {
        (True, True),
        (True, False),
        (False, True),
        (False, False),
    }
