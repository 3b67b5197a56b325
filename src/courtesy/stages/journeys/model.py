"""The nouns of this stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from courtesy.ground.rules import Condition, Did
from courtesy.stages.experiments import Experiment

INSTANT = pl.Datetime("us", "UTC")
END = "end"
ACTIVE = "active"
ENDED = "ended"
COMPLETED = "completed"
EXIT = "exit"
GOAL = "goal"
RUNNING = "running"
PAUSED = "paused"
STOPPED = "stopped"

CANDIDATES = pl.Schema(
    {
        "person_id": pl.String(),
        "entry": pl.String(),
        "occurred_at": INSTANT,
        "entry_event_id": pl.String(),
    }
)
"""Somebody who may enter: ``entry`` is the properties of the event that invites, as JSON, and
``entry_event_id`` its id; null where no event does."""

STANDING = pl.Schema(
    {
        "person_id": pl.String(),
        "passes": pl.Int64(),
        "active": pl.Boolean(),
        "last_entered_at": INSTANT,
    }
)
"""How often somebody passed through a journey, and whether they are in it."""

ENROLLMENTS = pl.Schema(
    {
        "enrollment_id": pl.String(),
        "journey": pl.String(),
        "version": pl.Int64(),
        "person_id": pl.String(),
        "pass_number": pl.Int64(),
        "arm": pl.String(),
        "step": pl.String(),
        "state": pl.String(),
        "reason": pl.String(),
        "entry": pl.String(),
        "entered_at": INSTANT,
        "due_at": INSTANT,
        "ended_at": INSTANT,
        "tests": pl.String(),
        "entry_event_id": pl.String(),
    }
)
"""One person's passage through one version of a journey; ``tests`` is their arm in each test that
they passed, as a JSON object, or null. ``entry_event_id`` is the event that they entered by: what
counts for goals and exits lies after it."""

PASSAGES = pl.Schema(
    {
        "enrollment_id": pl.String(),
        "step": pl.String(),
        "outcome": pl.String(),
        "passed_at": INSTANT,
    }
)
"""A step that somebody passed, and which way they went."""

INTENTS = pl.Schema(
    {
        "message_id": pl.String(),
        "enrollment_id": pl.String(),
        "person_id": pl.String(),
        "journey": pl.String(),
        "version": pl.Int64(),
        "step": pl.String(),
        "arm": pl.String(),
        "channels": pl.List(pl.String()),
        "topic": pl.String(),
        "template": pl.String(),
        "created_at": INSTANT,
        "expires_at": INSTANT,
        "priority": pl.Int64(),
        "variant": pl.String(),
    }
)
"""What should be said to whom; the gate decides whether it may be. ``channels`` stand in order of
preference, and a higher ``priority`` goes first. ``variant`` is a JSON object or null: the ``arm``
of the nearest test before, and the level of each of its factors."""

TESTED = pl.Schema(
    {"enrollment_id": pl.String(), "person_id": pl.String(), "experiment": pl.String()}
)
"""Who may pass which test."""

ARMS = pl.Schema(
    {
        "enrollment_id": pl.String(),
        "experiment": pl.String(),
        "arm": pl.String(),
        "exposed": pl.Boolean(),
    }
)
"""Their arms in the tests; ``exposed`` is whether they take part, so that it counts."""

TRIALS = pl.Schema(
    {
        "enrollment_id": pl.String(),
        "person_id": pl.String(),
        "journey": pl.String(),
        "experiment": pl.String(),
        "arm": pl.String(),
        "exposed": pl.Boolean(),
    }
)
"""Who passed which test, and in which arm."""


@dataclass(frozen=True)
class Variant:
    """What a send says to one arm; ``words`` are the arm and its level of each factor.

    Without ``channels`` it says nothing.
    """

    template: str
    channels: tuple[str, ...]
    words: Mapping[str, str]


@dataclass(frozen=True)
class Send:
    """Say something, on the first of these channels that is allowed.

    ``test`` is the nearest test before it, ``variants`` what it says to each arm of that test;
    ``template`` and ``channels`` stand as they were written: what it says to those without an arm.
    """

    step: str
    template: str
    channels: tuple[str, ...]
    expires: timedelta | None
    after: str
    test: str | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """Let time pass."""

    step: str
    length: timedelta
    after: str


@dataclass(frozen=True)
class Branch:
    """Go the way of the first condition that holds, else ``otherwise``."""

    step: str
    options: tuple[tuple[Condition, str], ...]
    otherwise: str


@dataclass(frozen=True)
class Trial:
    """Go the way of one's arm: those in ``ways`` have steps of their own, the others go on.

    ``control`` is the arm of those whom nobody assigned; None where the experiment is gone.
    """

    step: str
    experiment: str
    control: str | None
    ways: Mapping[str, str]
    after: str


@dataclass(frozen=True)
class Exit:
    """Leave the journey."""

    step: str


Node = Send | Wait | Branch | Trial | Exit


@dataclass(frozen=True)
class Entry:
    """What invites: an event (and what must hold then), or becoming a member of an audience.

    ``again`` is how long after the last entry somebody may enter once more: zero for always, None
    for never. An event that arrives later than ``within`` after it happened invites nobody.
    """

    event: str | None
    where: Condition | None
    condition: Condition | None
    audience: str | None
    again: timedelta | None
    within: timedelta


@dataclass(frozen=True)
class Goal:
    """What the journey is for: an event, within a time after the entry."""

    condition: Did


@dataclass(frozen=True)
class Journey:
    """A checked definition.

    ``holdout`` is the share of people left alone, 0 to 1. ``program`` is what it belongs to.
    ``tests`` are the experiments that its own steps define.
    """

    name: str
    owner: str | None
    topic: str
    holdout: float
    priority: int
    entry: Entry
    goal: Goal | None
    exit: Condition | None
    nodes: Mapping[str, Node]
    first: str
    program: str | None = None
    tests: Mapping[str, Experiment] = field(default_factory=dict)

    @property
    def tested(self) -> frozenset[str]:
        """The names of the experiments that its steps test, its own and the folder's."""
        return frozenset(one.experiment for one in self.nodes.values() if isinstance(one, Trial))
