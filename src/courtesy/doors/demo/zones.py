"""Where the simulated people live, and what their clocks show."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Zone:
    """A time zone, the language most people speak there, and its share of all people."""

    name: str
    locale: str
    share: float


ZONES = (
    Zone("America/Los_Angeles", "en-US", 0.11),
    Zone("America/Denver", "en-US", 0.05),
    Zone("America/Chicago", "en-US", 0.10),
    Zone("America/New_York", "en-US", 0.15),
    Zone("America/Mexico_City", "es-MX", 0.07),
    Zone("America/Sao_Paulo", "pt-BR", 0.08),
    Zone("Europe/London", "en-GB", 0.10),
    Zone("Europe/Madrid", "es-ES", 0.06),
    Zone("Europe/Berlin", "de-DE", 0.08),
    Zone("Europe/Helsinki", "fi-FI", 0.03),
    Zone("Asia/Kolkata", "en-IN", 0.07),
    Zone("Asia/Singapore", "en-SG", 0.04),
    Zone("Asia/Tokyo", "ja-JP", 0.06),
)


@dataclass(frozen=True)
class Clocks:
    """What every zone's clock shows at each hour: arrays of zones by hours from ``first`` on."""

    first: int
    hour_of_day: Ints
    weekday: Ints

    def hour(self, zones: Ints, hours: Ints | int) -> Ints:
        """The local hour, 0 to 23, of people in these zones at these hours of the simulation.

        Beyond the last hour the clocks stand still.
        """
        last = self.hour_of_day.shape[1] - 1
        return np.asarray(self.hour_of_day[zones, np.minimum(np.asarray(hours) - self.first, last)])


def clocks(start: datetime, first: int, last: int) -> Clocks:
    """The clocks of all zones, for the hours ``first`` to ``last`` counted from ``start``."""
    moments = [start + timedelta(hours=hour) for hour in range(first, last)]
    local = [[moment.astimezone(ZoneInfo(zone.name)) for moment in moments] for zone in ZONES]
    hours = np.array([[moment.hour for moment in row] for row in local], dtype=np.int64)
    weekdays = np.array([[moment.weekday() for moment in row] for row in local], dtype=np.int64)
    return Clocks(first, hours, weekdays)
