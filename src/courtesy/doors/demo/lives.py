"""How the simulated people live: when they visit, fill a basket and order.

Everybody lives several lives at once, with the same luck: the real one, and for each journey one in
which that journey's mails are never read. Until a mail of the journey is read both are the same, so
the difference between them is the true effect of these mails, and of nothing else.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from courtesy.doors.demo.people import LONG_AGO, People
from courtesy.doors.demo.zones import Clocks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

REAL = 0
_BASKET = 0.2
_CURIOUS_HOURS, _CURIOSITY = 120, 1.0
_BASKET_HOURS, _BASKET_PULL = 36, 2.0
_RESTED_HOURS, _RESTED = 72, 0.12
_MORNING, _NOON, _EVENING, _NIGHT = range(6, 10), range(10, 17), range(17, 23), range(6)
_HABITS = (
    {"morning": 2.6, "noon": 0.8, "evening": 1.1, "weekend": 0.6},
    {"morning": 1.0, "noon": 1.2, "evening": 1.2, "weekend": 2.4},
    {"morning": 1.4, "noon": 2.4, "evening": 0.5, "weekend": 0.25},
)


@dataclass(frozen=True)
class Nudge:
    """What reading a mail of a journey truly does: visits are ``times`` as likely for ``hours``."""

    journey: str
    times: float
    hours: int


@dataclass(frozen=True)
class Visits:
    """Who came within one hour (indices of people), when, and who of them did what.

    ``fills``: left with a full basket; ``orders``: bought it.
    """

    who: Ints
    when: Ints
    fills: Truths
    orders: Truths


class Lives:
    """The state of all lives: arrays of lives by people; life 0 is the real one."""

    def __init__(self, people: People, clocks: Clocks, nudges: tuple[Nudge, ...]) -> None:
        shape = (len(nudges) + 1, len(people))
        self._people, self._clocks, self._nudges = people, clocks, nudges
        self._basket_at = np.full(shape, LONG_AGO)
        self._ordered_at = np.full(shape, LONG_AGO)
        self._read_at = np.full((len(nudges), len(people)), LONG_AGO)
        self._habits = _habits()
        self._orders: list[tuple[int, Ints, Ints]] = []

    def read(self, person: Ints, journey: int, hour: int) -> None:
        """These people have read a mail of a journey."""
        self._read_at[journey, person] = hour

    def live(self, hour: int, luck: Floats, when: Ints) -> Visits:
        """Let one hour pass; returns the visits of the real life.

        Args:
            hour: counted from the start of the simulation.
            luck: n numbers in [0, 1), the same for all lives.
            when: n instants in microseconds, at which somebody who comes does what they do.
        """
        visit = -np.expm1(-self._pace(hour) * self._pull(hour))
        orders = luck < visit * self._people.buys
        baskets = (luck < visit * (self._people.buys + _BASKET)) & ~orders
        self._basket_at[baskets] = hour
        self._ordered_at[orders] = hour
        for life, row in enumerate(orders):
            who = np.flatnonzero(row)
            self._orders.append((life, who, when[who]))
        who = np.flatnonzero(luck < visit[REAL])
        return Visits(who, when[who], baskets[REAL][who], orders[REAL][who])

    def orders(self, life: int) -> tuple[Ints, Ints]:
        """All orders of one life: people, and when in microseconds."""
        found = [(who, when) for which, who, when in self._orders if which == life]
        people, moments = zip(*found, strict=True)
        return np.concatenate(people), np.concatenate(moments)

    def _pace(self, hour: int) -> Floats:
        """Visits within this hour that come from nothing but habit."""
        people, clocks = self._people, self._clocks
        column = hour - clocks.first
        weekday = clocks.weekday[:, column][people.zone]
        of_day = clocks.hour_of_day[:, column][people.zone]
        since = hour - people.joins
        curious = 1 + _CURIOSITY * ((since >= 0) & (since < _CURIOUS_HOURS))
        pace = people.appetite / 24 * self._habits[people.persona, weekday, of_day]
        return np.asarray(pace * curious * (since > 0))

    def _pull(self, hour: int) -> Floats:
        """How many times as likely visits are, by what happened in each life."""
        basket = 1 + _BASKET_PULL * (hour - self._basket_at <= _BASKET_HOURS)
        rested = np.where(hour - self._ordered_at <= _RESTED_HOURS, _RESTED, 1.0)
        felt = [
            np.where(hour - read_at <= nudge.hours, nudge.times, 1.0)
            for nudge, read_at in zip(self._nudges, self._read_at, strict=True)
        ]
        every = np.prod(felt, axis=0)
        return np.asarray(basket * rested * np.stack([every, *(every / one for one in felt)]))


def _habits() -> Floats:
    """How much likelier than on average a visit is: personas by weekdays by hours of the day."""
    table = np.ones((len(_HABITS), 7, 24))
    for persona, habit in enumerate(_HABITS):
        for name, hours in (("morning", _MORNING), ("noon", _NOON), ("evening", _EVENING)):
            table[persona, :, hours.start : hours.stop] = habit[name]
        table[persona, :, _NIGHT.start : _NIGHT.stop] = 0.05
        table[persona, 5:] *= habit["weekend"]
    return np.asarray(table / table.mean(axis=(1, 2), keepdims=True))
