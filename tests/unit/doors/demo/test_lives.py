from datetime import UTC, datetime

import numpy as np
import pytest

from courtesy.doors.demo.lives import REAL, UNFELT, Lives, Nudge
from courtesy.doors.demo.people import People, draw
from courtesy.doors.demo.zones import clocks

START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 96
PLAIN = Nudge("Plain", times=3.0, hours=48)
WARM = Nudge("Warm", times=6.0, hours=48)
NUDGES = (PLAIN, WARM)
OTHERS = ({PLAIN: UNFELT}, {WARM: UNFELT}, {WARM: PLAIN.times})
NO_PLAIN, NO_WARM, ALL_PLAIN = 1, 2, 3


@pytest.fixture(scope="module")
def people() -> People:
    return draw(3_000, 1, np.random.default_rng(7))


def lived(people: People, reads: dict[int, int]) -> Lives:
    """Four days in which everybody reads a mail of the kind ``reads[hour]``."""
    lives = Lives(people, clocks(START, 0, HOURS), NUDGES, OTHERS)
    chance = np.random.default_rng(8)
    everybody = np.arange(len(people))
    for hour in range(HOURS):
        if hour in reads:
            lives.read(everybody, reads[hour], hour)
        when = np.full(len(people), hour * 3_600_000_000)
        lives.live(hour, chance.random(len(people)), when)
    return lives


def orders(lives: Lives, life: int) -> int:
    return len(lives.orders(life)[0])


def test_without_any_mail_all_lives_are_one(people: People) -> None:
    lives = lived(people, {})
    for life in (NO_PLAIN, NO_WARM, ALL_PLAIN):
        for real, other in zip(lives.orders(REAL), lives.orders(life), strict=True):
            assert (real == other).all()


def test_a_mail_brings_orders_but_not_to_the_life_in_which_it_is_not_read(people: People) -> None:
    silent, spoken = lived(people, {}), lived(people, {24: 1})
    assert orders(spoken, REAL) > 1.5 * orders(silent, REAL)
    assert orders(spoken, NO_WARM) == orders(silent, REAL)
    assert orders(spoken, NO_PLAIN) == orders(spoken, REAL)


def test_who_lives_on_as_if_the_words_were_plain_orders_as_who_read_plain_ones(
    people: People,
) -> None:
    warm, plain = lived(people, {24: 1}), lived(people, {24: 0})
    for asked, real in zip(warm.orders(ALL_PLAIN), plain.orders(REAL), strict=True):
        assert (asked == real).all()
    assert orders(plain, NO_WARM) == orders(plain, ALL_PLAIN) == orders(plain, REAL)
    assert orders(warm, NO_WARM) < orders(warm, ALL_PLAIN) < orders(warm, REAL)


def test_lives_part_only_for_those_who_read(people: People) -> None:
    lives = Lives(people, clocks(START, 0, HOURS), NUDGES, OTHERS)
    chance, readers = np.random.default_rng(8), np.arange(0, len(people), 2)
    for hour in range(HOURS):
        if hour in {20, 40}:
            lives.read(readers, 1, hour)
        lives.live(hour, chance.random(len(people)), np.full(len(people), hour))
    told = {}
    for life in (REAL, NO_WARM):
        who, when = lives.orders(life)
        told[life] = set(zip(who.tolist(), when.tolist(), strict=True))
    assert {who % 2 for who, _ in told[REAL] ^ told[NO_WARM]} == {0}


def test_before_a_mail_is_read_it_changes_nothing(people: People) -> None:
    lives = lived(people, {24: 0})
    for life in (REAL, NO_PLAIN):
        who, when = lives.orders(life)
        early = when < 24 * 3_600_000_000
        assert early.any()
        if life == REAL:
            before = who[early]
        else:
            assert (who[early] == before).all()


def test_an_effect_ends(people: People) -> None:
    lives = lived(people, {0: 0})
    late = 49 * 3_600_000_000
    real = (lives.orders(REAL)[1] >= late).sum()
    silent = (lives.orders(NO_PLAIN)[1] >= late).sum()
    assert real <= silent


def test_visits_hold_their_orders_and_full_baskets(people: People) -> None:
    lives = Lives(people, clocks(START, 0, HOURS), NUDGES, OTHERS)
    chance = np.random.default_rng(8)
    visits = [
        lives.live(hour, chance.random(len(people)), np.arange(len(people))) for hour in range(24)
    ]
    assert sum(len(visit.who) for visit in visits) > 50
    assert sum(visit.orders.sum() for visit in visits) == orders(lives, REAL) > 0
    assert not any((visit.orders & visit.fills).any() for visit in visits)


def test_nobody_comes_before_they_joined() -> None:
    newcomers = draw(2_000, HOURS, np.random.default_rng(3))
    lives = lived(newcomers, {})
    who, when = lives.orders(REAL)
    assert (when >= newcomers.joins[who] * 3_600_000_000).all()
