"""How the numbers of a metric are written: shares of people, or amounts."""

import math
from dataclasses import dataclass

from courtesy.doors.web.figures import NONE, minus

_MOST = 8
_BIG = ((1_000_000, 1_000_000, "M"), (10_000, 1_000, "k"))


@dataclass(frozen=True)
class Unit:
    """``share``: a share of people, shown as percent, its changes as percentage points.

    ``digits``: after the point; three in all where it is None.
    """

    share: bool = False
    digits: int | None = None

    @classmethod
    def worth(cls, width: float | None, *, share: bool) -> "Unit":
        """As many digits as an interval of this width is worth: two of the width's own."""
        if width is None:
            return cls(share)
        places = 1 - math.floor(math.log10(100 * width if share else width))
        return cls(share, min(max(places, 0), _MOST))

    def level(self, value: float | None) -> str:
        """A mean of one arm: ``12.4%`` or ``3.21``."""
        if value is None:
            return NONE
        return minus(f"{self._rounded(value)}%" if self.share else self._rounded(value))

    def change(self, value: float | None) -> str:
        """A difference between arms, with its sign: ``+2.1``."""
        if value is None:
            return NONE
        text = self._rounded(value)
        return minus(text if value < 0 or not float(text.replace(",", "")) else f"+{text}")

    def named(self, value: float | None) -> str:
        """A difference with what it is measured in: ``+2.1 points``."""
        return (
            f"{self.change(value)} points"
            if self.share and value is not None
            else self.change(value)
        )

    def tick(self, value: float) -> str:
        """A round number at an axis, short."""
        shown = 100 * value if self.share else value
        size, suffix = next(((by, end) for least, by, end in _BIG if abs(shown) >= least), (1, ""))
        return minus(f"{shown / size:+,.6g}{suffix}") if shown else "0"

    def _rounded(self, value: float) -> str:
        shown = 100 * value if self.share else value
        digits = self.digits
        if digits is None:
            digits = 2 - math.floor(math.log10(abs(shown))) if shown else 0
        text = f"{shown:,.{min(max(digits, 0), _MOST)}f}"
        return text if float(text.replace(",", "")) else text.removeprefix("-")
