from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from courtesy.doors.demo.lives import Lives
from courtesy.doors.demo.truth import Question, Span, true_effect
from courtesy.ground.primitives.clock import microseconds

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
WELCOME = Question("welcome", "treated", {})


class Told(Lives):
    """Lives whose orders are given: life → (person, days after the start)."""

    def __init__(self, orders: Mapping[int, list[tuple[int, float]]]) -> None:
        self._told = orders

    def orders(self, life: int) -> tuple[np.ndarray, np.ndarray]:
        people, days = zip(*self._told[life], strict=True)
        moments = [microseconds(START + timedelta(days=day)) for day in days]
        return np.array(people), np.array(moments)


def exposed(*rows: tuple[int, str, float], to: str = "welcome") -> pl.DataFrame:
    return pl.DataFrame(
        [(to, person, arm, START + timedelta(days=day)) for person, arm, day in rows],
        schema={
            "experiment": pl.String,
            "person": pl.Int64,
            "arm": pl.String,
            "exposed_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )


def test_the_effect_is_what_treated_people_do_more_than_without_the_mail() -> None:
    lives = Told({0: [(0, 1.0), (1, 2.0), (3, 1.0)], 1: [(1, 2.0)]})
    people = exposed((0, "treated", 0), (1, "treated", 0), (2, "treated", 0), (3, "holdout", 0))
    truth = true_effect(lives, 1, people, WELCOME, Span(WEEK, START + timedelta(days=30)))
    assert (truth.people, truth.name) == (3, "welcome")
    assert truth.real == pytest.approx(2 / 3)
    assert truth.otherwise == pytest.approx(1 / 3)
    assert truth.effect == pytest.approx(1 / 3)


def test_a_test_is_asked_of_the_people_in_its_own_arm() -> None:
    lives = Told({0: [(0, 1.0), (1, 1.0), (2, 1.0)], 1: [(1, 1.0), (2, 1.0)]})
    wording = [(0, "warm", 0.0), (1, "warm", 0.0), (2, "plain", 0.0)]
    people = pl.concat([exposed(*wording, to="wording"), exposed((3, "warm", 0))])
    question = Question("wording", "warm", {})
    truth = true_effect(lives, 1, people, question, Span(WEEK, START + timedelta(days=30)))
    assert (truth.name, truth.people) == ("wording", 2)
    assert (truth.otherwise, truth.real) == (0.5, 1.0)


@pytest.mark.parametrize(("day", "counts"), [(0.9, 0), (1.0, 1), (7.9, 1), (8.0, 0)])
def test_an_order_counts_from_the_exposure_to_the_end_of_the_goals_time(
    day: float, counts: int
) -> None:
    lives = Told({0: [(0, day)], 1: [(9, 0.0)]})
    people = exposed((0, "treated", 1))
    truth = true_effect(lives, 1, people, WELCOME, Span(WEEK, START + timedelta(days=30)))
    assert truth.real == counts


def test_people_whose_time_is_not_over_are_left_out() -> None:
    lives = Told({0: [(0, 1.0)], 1: [(9, 0.0)]})
    people = exposed((0, "treated", 0), (1, "treated", 0.1))
    truth = true_effect(lives, 1, people, WELCOME, Span(WEEK, START + WEEK))
    assert (truth.people, truth.real) == (1, 1.0)


def test_nobody_gives_no_effect() -> None:
    lives = Told({0: [(0, 1.0)], 1: [(0, 1.0)]})
    truth = true_effect(lives, 1, exposed(), WELCOME, Span(WEEK, START + WEEK))
    assert (truth.people, truth.effect) == (0, 0.0)
