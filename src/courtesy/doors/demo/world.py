"""The simulated world: people, their lives, their shop and their post, hour by hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from courtesy.doors.demo.lives import UNFELT, Lives, Nudge, Visits
from courtesy.doors.demo.people import TOPICS, draw
from courtesy.doors.demo.reading import Readers, Reading
from courtesy.doors.demo.shop import MINUTE, PRODUCTS, WAYS, Ints, Moments, Shop, together
from courtesy.doors.demo.truth import Question
from courtesy.doors.demo.zones import clocks
from courtesy.ground.primitives.clock import microseconds
from courtesy.stages.experiments import TREATED

TEST, WARM = "cart-wording", "warm"
_WELCOME = Nudge("Welcome", times=2.5, hours=96)
_PLAIN_REMINDER = Nudge("Your basket", times=2.5, hours=36)
_WARM_REMINDER = Nudge("We kept", times=8.0, hours=36)
_WIN_BACK = Nudge("It has been a while", times=1.35, hours=96)
NUDGES = (_WELCOME, _PLAIN_REMINDER, _WARM_REMINDER, _WIN_BACK)
QUESTIONS = (
    Question("welcome", TREATED, {_WELCOME: UNFELT}),
    Question("cart-reminder", TREATED, {_PLAIN_REMINDER: UNFELT, _WARM_REMINDER: UNFELT}),
    Question("win-back", TREATED, {_WIN_BACK: UNFELT}),
    Question(TEST, WARM, {_WARM_REMINDER: _PLAIN_REMINDER.times}),
)
"""What only the simulation can answer; each has a life of its own."""

_HOUR = 60 * MINUTE
_PAST_HOURS = 45 * 24
_SECOND_THOUGHTS = 0.0006 / 24


@dataclass(frozen=True)
class Scale:
    """How much world there is; the same seed always makes the same one."""

    people: int
    days: int
    seed: int

    @property
    def hours(self) -> int:
        """How long the simulation runs."""
        return self.days * 24


class World:
    """Everything outside the system."""

    def __init__(self, scale: Scale, start: datetime) -> None:
        drawing, self._chance, reading = map(
            np.random.default_rng, np.random.SeedSequence(scale.seed).spawn(3)
        )
        self.people = draw(scale.people, scale.hours, drawing)
        shown = clocks(start, -_PAST_HOURS, scale.hours)
        others = [question.felt for question in QUESTIONS]
        self.lives = Lives(self.people, shown, NUDGES, others)
        self.readers = Readers(self.people, shown, reading)
        self._shop = Shop(self.people)
        self._start = microseconds(start)
        self._allows = self.people.allows.copy()

    def past(self) -> list[pl.DataFrame]:
        """The calls with which the shop moves in: its customers, their baskets and orders lately.

        A basket that was ordered at once is told as the order alone.
        """
        customers = np.flatnonzero(self.people.joins < 0)
        moved_in = Moments(customers, np.full(len(customers), self._start - MINUTE))
        visits = [self._live(hour) for hour in range(-_PAST_HOURS, 0)]
        baskets = together(Moments(one.who, one.when).only(one.fills) for one in visits)
        orders = together(Moments(one.who, one.when).only(one.orders) for one in visits)
        return [
            self._shop.introduced(moved_in),
            self._shop.added(baskets, self._products(baskets)),
            self._shop.ordered(orders, self._products(orders)),
        ]

    def hour(self, hour: int) -> list[pl.DataFrame]:
        """The calls of the shop's app within one hour."""
        return [
            *self._joining(hour),
            *self._visiting(self._live(hour)),
            *self._second_thoughts(hour),
        ]

    def read(self, readings: Sequence[Reading], hour: int) -> None:
        """Letters were opened: from ``hour`` on they have their effect."""
        for kind in range(len(NUDGES)):
            who = [reading.person for reading in readings if reading.kind == kind]
            self.lives.read(np.array(who, dtype=np.int64), kind, hour)

    def _live(self, hour: int) -> Visits:
        number = len(self.people)
        when = self._start + hour * _HOUR + self._chance.integers(5 * MINUTE, _HOUR, number)
        return self.lives.live(hour, self._chance.random(number), when)

    def _joining(self, hour: int) -> list[pl.DataFrame]:
        who = np.flatnonzero(self.people.joins == hour)
        if not len(who):
            return []
        when = self._start + hour * _HOUR + self._chance.integers(5 * MINUTE, _HOUR, len(who))
        return self._shop.signed_up(Moments(who, when), self._chance.integers(WAYS, size=len(who)))

    def _visiting(self, visits: Visits) -> list[pl.DataFrame]:
        moments = Moments(visits.who, visits.when)
        filled = visits.fills | visits.orders
        products = self._products(moments)
        return [
            self._shop.viewed(moments.earlier(4), products),
            self._shop.added(moments.earlier(2).only(filled), products[filled]),
            self._shop.ordered(moments.only(visits.orders), products[visits.orders]),
        ]

    def _products(self, moments: Moments) -> Ints:
        return self._chance.integers(PRODUCTS, size=len(moments.who))

    def _second_thoughts(self, hour: int) -> list[pl.DataFrame]:
        """Some people change in the app's settings what they once allowed or did not."""
        known = np.flatnonzero(self.people.joins < hour)
        number = self._chance.poisson(len(known) * _SECOND_THOUGHTS)
        who = self._chance.permutation(known)[:number]
        topics = self._chance.integers(len(TOPICS), size=len(who))
        before = self._allows[who, topics]
        self._allows[who, topics] = ~before
        when = self._start + hour * _HOUR + self._chance.integers(0, _HOUR, len(who))
        moments = Moments(who, when)
        return [
            self._shop.changed_mind(moments.only(chosen), topics[chosen], granted=granted)
            for chosen, granted in ((before, False), (~before, True))
            if chosen.any()
        ]
