"""The true effect of a journey, which only the simulation can know."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from courtesy.doors.demo.lives import REAL, Lives
from courtesy.stages.experiments import TREATED

EXPLANATION = (
    "Every simulated person also lives a second life, with the same luck hour by hour, in which "
    "the mails of this one journey are never read; the true effect is how many more of the treated "
    "people order within the goal's time in their real life than in that second one."
)


@dataclass(frozen=True)
class Truth:
    """What the mails of a journey truly changed: shares of the treated who reached its goal."""

    journey: str
    people: int
    without: float
    with_mail: float

    @property
    def effect(self) -> float:
        """The difference that the mails made, as a share of people."""
        return self.with_mail - self.without


@dataclass(frozen=True)
class Span:
    """How long after the exposure an order counts, and when the simulation ends."""

    within: timedelta
    end: datetime


def true_effect(lives: Lives, life: int, exposed: pl.DataFrame, journey: str, span: Span) -> Truth:
    """Compare the real life of treated people with the one without the mails of a journey.

    Args:
        lives: what everybody did.
        life: the number of the life without these mails.
        exposed: ``person`` (index), ``arm``, ``exposed_at``: whom the system exposed.
        journey: its name.
        span: people whose time is not over at its end are left out.
    """
    over = pl.col("exposed_at") + span.within <= span.end
    treated = exposed.filter((pl.col("arm") == TREATED) & over)
    who = treated["person"].to_numpy()
    start = treated["exposed_at"].dt.timestamp("us").to_numpy()
    length = span.within // timedelta(microseconds=1)
    without, with_mail = (_share(lives, number, who, start, length) for number in (life, REAL))
    return Truth(journey, len(treated), without, with_mail)


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
