"""The true effect of a journey or a test, which only the simulation can know."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from courtesy.doors.demo.lives import REAL, Lives, Nudge

EXPLANATION = (
    "Every simulated person also lives other lives, with the same luck hour by hour: for each "
    "journey one in which its mails are never read, and for a test of two wordings one in which "
    "those who got the second live on as if they had read the first. The true effect is how many "
    "more of the people concerned order in time in their real life than in that other one."
)


@dataclass(frozen=True)
class Question:
    """What if, for those who are in an ``arm`` of the journey or test ``name``?

    ``felt``: how many times as likely visits are after reading each kind of mail that is felt
    otherwise in the life beside the real one.
    """

    name: str
    arm: str
    felt: Mapping[Nudge, float]


@dataclass(frozen=True)
class Truth:
    """What a journey or a test truly changed: shares of the people concerned who ordered in time.

    ``otherwise``: in the life beside the ``real`` one.
    """

    name: str
    people: int
    otherwise: float
    real: float

    @property
    def effect(self) -> float:
        """The difference that the mails made, as a share of people."""
        return self.real - self.otherwise


@dataclass(frozen=True)
class Span:
    """How long after the exposure an order counts, and when the simulation ends."""

    within: timedelta
    end: datetime


def true_effect(
    lives: Lives, life: int, exposed: pl.DataFrame, question: Question, span: Span
) -> Truth:
    """Compare the real life of the people concerned with the one beside it.

    Args:
        lives: what everybody did.
        life: the number of the life beside the real one.
        exposed: ``experiment``, ``person`` (index), ``arm``, ``exposed_at``: whom the system
            exposed to what.
        question: about whom.
        span: people whose time is not over at its end are left out.
    """
    over = pl.col("exposed_at") + span.within <= span.end
    theirs = (pl.col("experiment") == question.name) & (pl.col("arm") == question.arm)
    concerned = exposed.filter(theirs & over)
    who = concerned["person"].to_numpy()
    start = concerned["exposed_at"].dt.timestamp("us").to_numpy()
    length = span.within // timedelta(microseconds=1)
    otherwise, real = (_share(lives, number, who, start, length) for number in (life, REAL))
    return Truth(question.name, len(concerned), otherwise, real)


def _share(
    lives: Lives,
    life: int,
    who: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    length: int,
) -> float:
    """The share of people who order in one life within ``length`` µs of their ``start``."""
    if not len(who):
        return 0.0
    person, moment = lives.orders(life)
    orders = pl.DataFrame({"person": person, "moment": moment})
    asked = pl.DataFrame({"person": who, "start": start})
    inside = (pl.col("moment") >= pl.col("start")) & (pl.col("moment") < pl.col("start") + length)
    reached = asked.join(orders, on="person", how="inner").filter(inside)
    return reached["person"].n_unique() / len(who)
