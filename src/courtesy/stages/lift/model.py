"""The nouns of this stage: a metric's sums in each arm, and what follows from them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from courtesy.ground.rules import Did
from courtesy.ground.rules.model import Where
from courtesy.ground.stats import AlwaysValid, Moments, Rule
from courtesy.stages.experiments.rounds import Round

MEAN = "mean"
PROPORTION = "proportion"
RATIO = "ratio"


CONVERSION = "conversion"
COUNT = "count"
SUM = "sum"
TIME = "time"

UNBOUNDED = (-math.inf, math.inf)
HIGHER = "higher"
LOWER = "lower"


@dataclass(frozen=True)
class Metric:
    """What is counted of each person from the exposure on.

    ``kind``: ``conversion`` (did one of ``events`` often enough: 0 or 1), ``count`` (how often),
    ``sum`` (of the number under ``property``, such as revenue for revenue per person; dots go
    inside) or ``time`` (days until the first of the events, at most ``within``: the restricted
    time, Royston & Parmar 2013). ``where``: what the event's properties must be like. ``after``:
    how long after the exposure counting starts. ``within``: how long after the exposure it ends;
    None counts until now. ``at_least``: how often makes a conversion. ``cap``: no person counts for
    more than this. ``winsorise``: the share of all people's values that is left as it is, such as
    0.99; larger values count as the limit. ``quantile``: compare this quantile (0 to 1) and not the
    mean. ``better``: which way is good, ``higher`` or ``lower``.
    """

    name: str
    kind: str
    events: tuple[str, ...]
    property: str | None = None
    where: tuple[Where, ...] = ()
    after: timedelta = timedelta(0)
    within: timedelta | None = None
    at_least: int = 1
    cap: float | None = None
    winsorise: float | None = None
    quantile: float | None = None
    better: str = HIGHER

    @classmethod
    def goal(cls, name: str, did: Did) -> "Metric":
        """Whether a journey's goal was reached."""
        return cls(
            name,
            CONVERSION,
            (did.event,),
            where=did.where,
            within=did.within,
            at_least=did.at_least,
        )


@dataclass(frozen=True)
class Ratio:
    """One metric over another, such as revenue for each order."""

    name: str
    top: Metric
    bottom: Metric
    better: str = HIGHER


@dataclass(frozen=True)
class Notice:
    """Something that a reader has to know, under a name that programs can look for."""

    name: str
    detail: str

    def __str__(self) -> str:
        """As it is shown: ``name: detail``."""
        return f"{self.name}: {self.detail}"


@dataclass(frozen=True)
class Design:
    """How people came into the arms, and how sure we want to be.

    ``units``: people of each arm. ``assigned``: what chance put into the arms, such as clusters of
    people; the same as ``units`` when None. ``shares``: the expected share of each arm, in any
    scale; None when it is not known. ``randomised``: whether chance alone decided;
    without it nothing is called an effect. ``rounds``: where chance dealt in unlike shares.
    """

    name: str
    control: str
    units: Mapping[str, int]
    shares: Mapping[str, float] | None
    rule: Rule = field(default_factory=AlwaysValid)
    randomised: bool = True
    assigned: Mapping[str, int] | None = None
    rounds: Sequence[Round] = ()


@dataclass(frozen=True)
class Outcome:
    """One metric, summed up for each arm.

    ``kind``: ``mean``, ``proportion`` or ``ratio``. ``moments``: of the raw columns, by arm.
    ``pairs``: the metric, then its covariates, as (numerator, denominator) columns; a plain mean
    has no denominator. ``clustered``: whether a unit here is a whole cluster. ``offset``: what was
    taken off the metric before it was summed up, so that values far from zero lose nothing.
    ``bounds``: between which values the metric lies whatever happens; infinite where nobody knows.
    """

    metric: str
    kind: str
    moments: Mapping[str, Moments]
    pairs: tuple[tuple[int, int | None], ...] = ((0, None),)
    clustered: bool = False
    better: str = HIGHER
    offset: float = 0.0
    bounds: tuple[float, float] = UNBOUNDED


@dataclass(frozen=True)
class Tally:
    """The sums of one group of people, such as a segment or those whose time was over on a day.

    ``group`` names it; ``units``: people of each arm; ``assigned``: what chance put into the arms,
    such as clusters; None where that is people. ``outcomes``: one for each metric that is a mean;
    every arm has its moments in each, of nobody if need be. ``reached``: the same metrics beside
    whether the treatment reached a person, as the second pair; empty where that is not asked.
    ``exposed``: everybody in each arm, also those who never came to the trigger and, by day, those
    whose time is not over.
    """

    group: str
    units: Mapping[str, int]
    outcomes: tuple[Outcome, ...]
    assigned: Mapping[str, int] | None = None
    reached: tuple[Outcome, ...] = ()
    exposed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """People of one arm, and the share of all that they are and should be."""

    arm: str
    units: int
    share: float | None
    expected_share: float | None


@dataclass(frozen=True)
class SampleRatio:
    """Whether the arms have the people they should.

    ``p_value`` is for one look (chi-square), ``sequential_p_value`` for any number of looks; ``ok``
    is false when the first is below 0.01, which happens by chance in one experiment of a hundred.
    """

    p_value: float | None
    sequential_p_value: float | None
    ok: bool


@dataclass(frozen=True)
class Comparison:
    """One metric of one arm beside the control.

    ``effect`` and its ends are in the metric's unit, ``lift`` and its ends relative to the control
    (0.1 is ten percent more); None where a figure does not exist, which a notice explains, and
    ``no_interval`` where that is the interval: which number it takes. ``control_mean`` and
    ``arm_mean`` are the arms' own. ``effect`` and ``lift`` rest on ``control_mean_adjusted`` and
    ``arm_mean_adjusted``, which differ from those where covariates or strata were taken out.
    ``p_holm`` is corrected for deciding on any of several comparisons (Holm), ``p_discovery`` for
    exploring them (Benjamini-Hochberg). ``kind``: ``mean``, ``proportion`` or ``ratio``.
    """

    arm: str
    control: str
    metric: str
    control_mean: float | None
    arm_mean: float | None
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    p_value: float | None
    p_holm: float | None
    p_discovery: float | None
    control_units: int
    arm_units: int
    method: str
    better: str = HIGHER
    kind: str = MEAN
    control_mean_adjusted: float | None = None
    arm_mean_adjusted: float | None = None
    no_interval: str = ""

    @property
    def base(self) -> float | None:
        """The control's mean that ``lift`` is relative to."""
        adjusted = self.control_mean_adjusted
        return self.control_mean if adjusted is None else adjusted

    @property
    def is_adjusted(self) -> bool:
        """Whether something was taken out of the means."""
        return self.base != self.control_mean


@dataclass(frozen=True)
class OnTreated:
    """The effect on those whom the treatment reached, a second figure beside that of the intention.

    ``reached`` and ``control_reached``: the shares of the arm and of the control that got it.
    """

    arm: str
    metric: str
    reached: float
    control_reached: float
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    method: str


@dataclass(frozen=True)
class Triggered:
    """The effect on those who came to where the arms differ, and what it is for everybody.

    ``share``: of all exposed people who came there. ``diluted``: the effect on an exposed person.
    """

    arm: str
    metric: str
    units: int
    share: float
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    diluted: float | None
    diluted_low: float | None
    diluted_high: float | None


@dataclass(frozen=True)
class FactorEffect:
    """What one factor does on average over the others, or what two do beyond their sum.

    ``factors``: one name, or two for an interaction (synergy where it is above zero). ``levels``:
    of each, beside the first level.
    """

    metric: str
    factors: tuple[str, ...]
    levels: tuple[str, ...]
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    p_value: float | None
    p_discovery: float | None


@dataclass(frozen=True)
class SegmentEffect:
    """One segment: its own effect, and what is left of it once chance is taken out."""

    segment: str
    units: int
    own: float
    effect: float
    effect_low: float
    effect_high: float


@dataclass(frozen=True)
class Spread:
    """Whether an effect differs between segments: ``p_value`` is for there being no difference."""

    trait: str
    arm: str
    metric: str
    overall: float
    spread: float
    p_value: float
    segments: tuple[SegmentEffect, ...]


@dataclass(frozen=True)
class Look:
    """An effect as it was known on a day, over everybody whose time to respond was over by then."""

    arm: str
    metric: str
    day: str
    units: int
    effect: float | None
    effect_low: float | None
    effect_high: float | None


@dataclass(frozen=True)
class Advice:
    """What a pilot's plan says to do now.

    ``outcome``: ``better``, ``worse``, ``not_significant`` or ``unknown``. ``stops``: whether it
    is to end now. ``reason``: ``sample_ratio``, ``harm``, ``futility``, ``planned`` (all people are
    there), ``longest`` (its time is over) or ``running``. ``arm``: the one that the outcome is
    about. ``decision``: what was to be done in this case, once it ends.
    """

    outcome: str
    sentence: str
    stops: bool
    reason: str
    arm: str | None = None
    decision: str | None = None


@dataclass(frozen=True)
class Lift:
    """What an experiment showed; where people were not randomised, ``comparisons`` is empty.

    ``associations`` then holds the same figures, which say how the groups differ and not what the
    treatment did.
    """

    name: str
    control: str
    alpha: float
    randomised: bool
    arms: tuple[Arm, ...]
    sample_ratio: SampleRatio | None
    comparisons: tuple[Comparison, ...]
    associations: tuple[Comparison, ...]
    warnings: tuple[Notice, ...]
    on_treated: tuple[OnTreated, ...] = ()
    triggered: tuple[Triggered, ...] = ()
    factors: tuple[FactorEffect, ...] = ()
    spreads: tuple[Spread, ...] = ()
    looks: tuple[Look, ...] = ()
