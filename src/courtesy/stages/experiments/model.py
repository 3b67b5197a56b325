"""The nouns of this stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from courtesy.ground.lake import Table
from courtesy.ground.rules import Condition, Did

INSTANT = pl.Datetime("us", "UTC")
HOLDOUT = "holdout"
TREATED = "treated"
UNIVERSAL = "universal"
"""The experiment of the universal holdout: all that is said beside nothing at all."""

EXPOSED = pl.Schema(
    {
        "experiment": pl.String(),
        "person_id": pl.String(),
        "arm": pl.String(),
        "exposed_at": INSTANT,
        "entry": pl.String(),
        "unit": pl.String(),
    }
)
"""The first moment at which the arms of an experiment could differ for a person; ``entry`` is the
properties of the event that brought them there, as JSON; ``unit`` is what chance assigned: the
person, or the cluster that they belong to."""

KEPT = pl.Schema({**EXPOSED, "traits": pl.String()})
"""Exposures as they are kept: ``traits`` is a JSON object of the traits that the experiment's
segments and strata name, as they were at that moment: null for somebody who had none, and absent
where that is not known. It is null where the experiment named none."""

EXPOSURES = Table("exposures", "exposed_at", KEPT)

UNITS = pl.Schema({"person_id": pl.String(), "unit": pl.String()})
"""Of each person what chance assigns: themselves, or the cluster that they belong to."""

ASSIGNED = pl.Schema({"person_id": pl.String(), "arm": pl.String(), "exposed": pl.Boolean()})
"""The arm of each person; ``exposed`` is whether they take part, so that it counts."""


@dataclass(frozen=True)
class Layer:
    """A part of a layer: people outside ``start`` (included) to ``end`` (0 to 1) do not take part.

    Experiments with different parts of one layer never share a person.
    """

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Split:
    """How chance assigns.

    ``shares``: of the arms, adding up to one. ``seed``: of the hash. ``traffic``: the share of all
    units that takes part; raising it moves nobody to another arm. ``layer``: the part of a layer
    that it is confined to.
    """

    experiment: str
    shares: Mapping[str, float]
    seed: str
    traffic: float = 1.0
    layer: Layer | None = None

    @classmethod
    def holdout(cls, experiment: str, share: float) -> "Split":
        """Treat everyone but ``share`` (0 to 1) of the people."""
        return cls(experiment, {HOLDOUT: share, TREATED: 1 - share}, experiment)


@dataclass(frozen=True)
class Ramp:
    """The share of all units (0 to 1) that takes part ``since`` an instant (None: always)."""

    since: datetime | None
    share: float


@dataclass(frozen=True)
class Change:
    """How much a metric moves: in its own unit, or ``relative`` to the control (0.05 is 5 %)."""

    size: float
    relative: bool = False


@dataclass(frozen=True)
class Guardrail:
    """A metric that must not get worse by more than ``harm`` while something else gets better."""

    metric: str
    harm: Change


@dataclass(frozen=True)
class Pilot:
    """The plan of an experiment, written before its start.

    ``hypothesis``: what is thought to happen, and why. ``primary``: the one metric that decides.
    ``minimal_effect``: the smallest change of it that is worth having. ``power``: the chance to
    find it. ``alpha``: the accepted share of wrong alarms. ``history``: how far back people like
    these are looked at, to size it and to take out noise (CUPED). ``longest``: how long after its
    start it ends at the latest. ``stops``: what ends it early: ``harm`` (on a guardrail or on the
    primary metric), ``futility``, ``sample_ratio`` (the arms do not have their shares of people).
    ``decisions``: what will be done when the result is ``better``, ``worse`` or
    ``not_significant``.
    """

    hypothesis: str
    primary: str
    minimal_effect: Change
    decisions: Mapping[str, str]
    longest: timedelta
    guardrails: tuple[Guardrail, ...] = ()
    power: float = 0.8
    alpha: float = 0.05
    history: timedelta | None = None
    stops: frozenset[str] = frozenset({"harm"})


@dataclass(frozen=True)
class Observed:
    """An experiment that others ran: what people did in ``window`` from ``at`` on names their arm.

    ``arms``: the event that shows each arm; who did none of them is in the control. ``randomised``:
    whether chance alone decided. ``carry_over``: for how long before ``at`` the same events may
    still act.
    """

    at: datetime
    window: timedelta
    arms: Mapping[str, Did]
    randomised: bool
    carry_over: timedelta | None = None


@dataclass(frozen=True)
class Experiment:
    """A checked definition.

    ``arms``: their shares, adding up to one, the control among them. ``factors``: the levels of
    each factor; the arms are then all combinations, named ``LEVEL+LEVEL``. ``levels``: of each arm
    the level of each factor. ``traffic``: ramps, the earliest first. ``cluster``: the trait whose
    equals share an arm, such as a household. ``eligible``: who takes part where a flag is asked
    for. ``values``: what a flag answers for each arm. ``metrics``: beside those of the pilot.
    ``treated_by``: the event that shows that somebody got the treatment. ``trigger``: the event
    from which on the arms differ, where that is later than the exposure. ``segments``, ``strata``:
    traits. ``observed``: set where nothing is assigned here.
    """

    name: str
    owner: str | None
    description: str | None
    arms: Mapping[str, float]
    control: str
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    traffic: tuple[Ramp, ...] = (Ramp(None, 1.0),)
    layer: Layer | None = None
    cluster: str | None = None
    eligible: Condition | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    treated_by: Did | None = None
    trigger: Did | None = None
    segments: tuple[str, ...] = ()
    strata: str | None = None
    pilot: Pilot | None = None
    observed: Observed | None = None

    @property
    def grouped_by(self) -> tuple[str, ...]:
        """The traits of ``segments`` and ``strata``, each once."""
        strata = (self.strata,) if self.strata else ()
        return tuple(dict.fromkeys((*self.segments, *strata)))


@dataclass(frozen=True)
class Standing:
    """Where an experiment stands; ``kept`` is the arm that everybody gets after its end.

    ``plan`` is the frozen plan as JSON: what was written, and the figures that followed from it.
    ``definition_hash`` is of what must not change while it runs.
    """

    experiment: str
    started_at: datetime
    plan: str
    stopped_at: datetime | None = None
    kept: str | None = None
    verdict: str | None = None
    definition_hash: str = ""


@dataclass(frozen=True)
class Learning:
    """What an experiment taught; ``result`` is its figures at that time, as JSON."""

    experiment: str
    learned_at: datetime
    owner: str | None
    hypothesis: str
    verdict: str
    learned: str
    result: str
