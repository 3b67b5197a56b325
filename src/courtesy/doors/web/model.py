"""Everything that stands in the report, ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import groupby

from courtesy.doors.web.experiment.model import Findings


@dataclass(frozen=True)
class Step:
    """One step from what came in to what was reached.

    ``people``: how many different people came this far; ``things``: how many of ``noun``.
    """

    name: str
    noun: str
    things: int
    people: int
    note: str = ""


@dataclass(frozen=True)
class Hours:
    """Messages sent on one channel in each hour, 0 to 23, of the receivers' own day."""

    channel: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Quiet:
    """The hours of a person's day in which nothing is sent."""

    start: time
    end: time


@dataclass(frozen=True)
class Silence:
    """A reason for not sending, what it means, and how often it was the reason."""

    reason: str
    meaning: str
    messages: int


@dataclass(frozen=True)
class Measured:
    """What a journey changed, or in ``missing`` why that cannot be said.

    Shares and effects are of people (0.1 is ten of a hundred). ``treated`` and ``held_out`` are the
    people whose time to reach the goal is over. ``assigned_share`` of all were left alone,
    ``expected_share`` should be. ``true_effect`` is known for simulations only.
    """

    journey: str
    goal: str
    missing: str = ""
    treated: int = 0
    held_out: int = 0
    treated_share: float | None = None
    held_out_share: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    assigned_share: float | None = None
    expected_share: float | None = None
    ratio_p_value: float | None = None
    ratio_ok: bool | None = None
    warnings: tuple[str, ...] = ()
    true_effect: float | None = None

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Tried:
    """An experiment that people took part in, and what came of it.

    ``true_effect``: of the one arm beside the control on the metric that decides, which is known
    for simulations only. ``page``: the file beside the report that tells everything; empty where
    there is none.
    """

    findings: Findings
    true_effect: float | None = None
    page: str = ""

    @property
    def people(self) -> int:
        """How many took part."""
        return sum(arm.units for arm in self.findings.lift.arms)


@dataclass(frozen=True)
class Moment:
    """Something in one person's story; ``kind`` chooses its sign."""

    at: datetime
    kind: str
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Story:
    """One person from their first event on, in their own time zone."""

    name: str
    person_id: str
    zone: str
    traits: tuple[tuple[str, str], ...]
    allowed: tuple[str, ...]
    moments: tuple[Moment, ...]
    left_out: int = 0

    @property
    def days(self) -> list[tuple[datetime, list[Moment]]]:
        """The moments of each day, with the first moment of the day."""
        found = [list(of_day) for _, of_day in groupby(self.moments, lambda one: one.at.date())]
        return [(moments[0].at, moments) for moments in found]


@dataclass(frozen=True)
class Defined:
    """A definition in force."""

    kind: str
    name: str
    version: int
    applied_at: datetime
    body: str


@dataclass(frozen=True)
class Report:
    """One home at one instant.

    ``postponed``: messages that were sent later than they were due. ``waiting``: messages that wait
    to be sent. ``tried``: experiments that people took part in. ``explanation`` says what a true
    effect is, where one is known.
    """

    home: str
    until: datetime
    since: datetime | None
    events: int
    people: int
    steps: Sequence[Step]
    hours: Sequence[Hours]
    quiet: Quiet | None
    silences: Sequence[Silence]
    postponed: int
    waiting: int
    measured: Sequence[Measured]
    story: Story | None
    definitions: Sequence[Defined]
    tried: Sequence[Tried] = ()
    explanation: str = ""

    @property
    def sent(self) -> int:
        """How many messages were sent."""
        return sum(sum(hours.counts) for hours in self.hours)

    @property
    def silent(self) -> int:
        """How many messages were not sent."""
        return sum(silence.messages for silence in self.silences)
