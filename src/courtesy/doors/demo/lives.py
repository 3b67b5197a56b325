"""How the simulated people live: when they visit, fill a basket and order.

Everybody lives several lives at once, with the same luck: the real one, and others in which mails
are felt otherwise, such as those of one journey not at all. Until such a mail is read the lives are
the same, so the difference between them is the true effect of these mails, and of nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from courtesy.doors.demo.people import LONG_AGO, People
from courtesy.doors.demo.zones import ZONES, Clocks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

REAL = 0
UNFELT = 1.0
"""How many times as likely visits are after a mail that is not read."""

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
    """What reading a kind of mail truly does: visits are ``times`` as likely for ``hours``.

    ``subject``: how the subjects of such mails begin.
    """

    subject: str
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
    """The state of all lives: arrays of lives by people; life 0 is the real one.

    Args:
        people: who lives.
        clocks: what their clocks show.
        nudges: the kinds of mail.
        others: of each other life the nudges that are felt otherwise, and how many times as likely
            visits are then.
    """

    def __init__(
        self,
        people: People,
        clocks: Clocks,
        nudges: Sequence[Nudge],
        others: Sequence[Mapping[Nudge, float]],
    ) -> None:
        shape = (len(others) + 1, len(people))
        self._people, self._clocks, self._nudges = people, clocks, nudges
        self._times = np.array(
            [[life.get(nudge, nudge.times) for nudge in nudges] for life in ({}, *others)]
        )
        self._basket_at = np.full(shape, LONG_AGO)
        self._ordered_at = np.full(shape, LONG_AGO)
        self._read_at = np.full((len(nudges), len(people)), LONG_AGO)
        self._reads = np.zeros(len(people), dtype=bool)
        self._habits, self._kinds = _habits(), people.persona * len(ZONES) + people.zone
        self._orders: list[tuple[int, Ints, Ints]] = []

    def read(self, person: Ints, nudge: int, hour: int) -> None:
        """These people have read a mail of a kind: their lives may part now."""
        first = person[~self._reads[person]]
        for state in (self._basket_at, self._ordered_at):
            state[1:, first] = state[REAL, first]
        self._reads[person] = True
        self._read_at[nudge, person] = hour

    def live(self, hour: int, luck: Floats, when: Ints) -> Visits:
        """Let one hour pass; returns the visits of the real life.

        Args:
            hour: counted from the start of the simulation.
            luck: n numbers in [0, 1), the same for all lives.
            when: n instants in microseconds, at which somebody who comes does what they do.
        """
        pace, everybody = self._pace(hour), np.arange(len(self._people))
        visit, baskets, orders = self._lived(slice(1), everybody, pace, luck, hour)
        readers = np.flatnonzero(self._reads)
        _, _, otherwise = self._lived(slice(1, None), readers, pace, luck, hour)
        self._orders.append((REAL, everybody[orders[0]], when[orders[0]]))
        for life, row in enumerate(otherwise, start=1):
            same = orders[0].copy()
            same[readers] = row
            self._orders.append((life, everybody[same], when[same]))
        who = np.flatnonzero(luck < visit[0])
        return Visits(who, when[who], baskets[0][who], orders[0][who])

    def orders(self, life: int) -> tuple[Ints, Ints]:
        """All orders of one life: people, and when in microseconds."""
        found = [(who, when) for which, who, when in self._orders if which == life]
        people, moments = zip(*found, strict=True)
        return np.concatenate(people), np.concatenate(moments)

    def _lived(
        self, lives: slice, who: Ints, pace: Floats, luck: Floats, hour: int
    ) -> tuple[Floats, Truths, Truths]:
        """Within this hour, lives by ``who``: the chance to visit, full baskets and orders."""
        buys, luck = self._people.buys[who], luck[who]
        visit = -np.expm1(-pace[who] * self._pull(lives, who, hour))
        orders = luck < visit * buys
        baskets = (luck < visit * (buys + _BASKET)) & ~orders
        for state, rows in ((self._basket_at, baskets), (self._ordered_at, orders)):
            life, column = np.nonzero(rows)
            state[lives][life, who[column]] = hour
        return visit, baskets, orders

    def _pace(self, hour: int) -> Floats:
        """Visits within this hour that come from nothing but habit."""
        people, clocks = self._people, self._clocks
        column = hour - clocks.first
        habits = self._habits[:, clocks.weekday[:, column], clocks.hour_of_day[:, column]]
        since = hour - people.joins
        curious = 1 + _CURIOSITY * ((since >= 0) & (since < _CURIOUS_HOURS))
        pace = people.appetite / 24 * habits.ravel()[self._kinds]
        return np.asarray(pace * curious * (since > 0))

    def _pull(self, lives: slice, who: Ints, hour: int) -> Floats:
        """How many times as likely visits are, by what happened in each life."""
        basket = 1 + _BASKET_PULL * (hour - self._basket_at[lives, who] <= _BASKET_HOURS)
        rested = np.where(hour - self._ordered_at[lives, who] <= _RESTED_HOURS, _RESTED, 1.0)
        pull = basket * rested
        for nudge, read_at, times in zip(
            self._nudges, self._read_at[:, who], self._times[lives].T, strict=True
        ):
            felt = np.flatnonzero(hour - read_at <= nudge.hours)
            pull[:, felt] *= times[:, None]
        return np.asarray(pull)


def _habits() -> Floats:
    """How much likelier than on average a visit is: personas by weekdays by hours of the day."""
    table = np.ones((len(_HABITS), 7, 24))
    for persona, habit in enumerate(_HABITS):
        for name, hours in (("morning", _MORNING), ("noon", _NOON), ("evening", _EVENING)):
            table[persona, :, hours.start : hours.stop] = habit[name]
        table[persona, :, _NIGHT.start : _NIGHT.stop] = 0.05
        table[persona, 5:] *= habit["weekend"]
    return np.asarray(table / table.mean(axis=(1, 2), keepdims=True))
