"""What the contact changed, against the people it left alone or treated otherwise."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.lift.subjects import Subject, subject
from courtesy.flow.publish import publish
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import Did
from courtesy.ground.stats import Rule
from courtesy.stages.audiences.store import Asked
from courtesy.stages.lift import (
    DAY,
    By,
    Comparison,
    Design,
    Lift,
    Notice,
    Plan,
    Tally,
    corrected,
    design_of,
    factor_effects,
    looks,
    measure,
    on_treated,
    spreads,
    stratified,
    tallies,
    trigger_notices,
    triggered,
)
from courtesy.stages.profiles import store as profiles_store


def lift_of(app: App, name: str, rule: Rule, metrics: Iterable[str] = ()) -> Lift:
    """Measure what stands under a name, by intention to treat.

    Args:
        app: the wired application.
        name: a journey, an experiment, a program or ``universal``.
        rule: how sure the intervals are, and for how many looks.
        metrics: names of metrics beside those that belong to it.

    Raises:
        NotFoundError: there is nothing of this name, or no such metric.
        DataError: there is nothing to compare, or nobody was exposed to it yet.
    """
    looking, _ = _look(app, name, rule, metrics, ())
    return looking.whole()


def lift_in_full(  # noqa: PLR0913 - what to measure, and how much to tell of it
    app: App,
    name: str,
    rule: Rule,
    *,
    metrics: Iterable[str] = (),
    by: Iterable[str] = (),
    over_time: bool = False,
) -> Lift:
    """The same with all that can be told beside it, each of which takes another pass.

    Args:
        app: as for ``lift_of``, and so are the next three.
        name: what to measure.
        rule: how sure the intervals are.
        metrics: names of metrics beside those that belong to it.
        by: traits whose values are segments, beside those that the experiment names.
        over_time: whether to tell the effect as it was known on each day.

    Raises:
        NotFoundError: there is nothing of this name, or no such metric.
        DataError: there is nothing to compare, or nobody was exposed to it yet.
    """
    looking, segments = _look(app, name, rule, metrics, by)
    return looking.in_full(looking.whole(), segments, over_time=over_time)


def _look(
    app: App, name: str, rule: Rule, metrics: Iterable[str], by: Iterable[str]
) -> tuple["_Looking", dict[str, pl.DataFrame]]:
    """What to look at, and the segments of each trait that is asked for."""
    publish(app)
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        merges = profiles_store.merges(transaction)
        found = subject(app, transaction, definitions, name, metrics)
        traits = dict.fromkeys([*(found.experiment.segments if found.experiment else ()), *by])
        segments = {trait: _segments(transaction, trait) for trait in traits}
        strata = _strata(transaction, found)
    return _Looking(app, found, _plan(found, rule), merges, strata), segments


@dataclass(frozen=True)
class _Looking:
    """One look at a subject; each figure is another pass of the engine over the same people."""

    app: App
    subject: Subject
    plan: Plan
    merges: pl.DataFrame
    strata: pl.DataFrame | None

    def whole(self) -> Lift:
        """The effect of each arm on each metric."""
        lift = measure(
            self.app.engine,
            self.subject.exposures,
            self.plan,
            now=self.app.clock.now(),
            merges=self.merges,
        )
        return replace(
            lift,
            comparisons=self._stratified(lift.comparisons),
            warnings=(*self.subject.notices, *lift.warnings),
        )

    def in_full(self, lift: Lift, segments: Mapping[str, pl.DataFrame], *, over_time: bool) -> Lift:
        """The same with everything else that can be told."""
        experiment = self.subject.experiment
        whole = next(iter(self._sums(replace(self.plan, received=self.subject.received))), None)
        if whole is None:
            return lift
        design = design_of(self.plan, whole)
        come = self._come(experiment.trigger if experiment else None)
        return replace(
            lift,
            warnings=(*lift.warnings, *_notices(design, come, segments)),
            on_treated=on_treated(design, whole.reached),
            triggered=triggered(design, come) if come else (),
            factors=factor_effects(design, whole.outcomes, experiment) if experiment else (),
            spreads=tuple(
                spread
                for trait, frame in segments.items()
                for spread in spreads(design, trait, self._sums(self.plan, frame))
            ),
            looks=looks(design, self._sums(self.plan, DAY)) if over_time else (),
        )

    def _sums(self, plan: Plan, by: By = None) -> list[Tally]:
        return tallies(
            self.app.engine,
            self.subject.exposures,
            plan,
            now=self.app.clock.now(),
            merges=self.merges,
            by=by,
        )

    def _come(self, trigger: Did | None) -> Tally | None:
        """Those who came to where the arms differ."""
        if trigger is None:
            return None
        return next(iter(self._sums(replace(self.plan, trigger=trigger))), None)

    def _stratified(self, found: Sequence[Comparison]) -> tuple[Comparison, ...]:
        """The comparisons, post-stratified where that can be done."""
        whole = next(iter(self._sums(self.plan)), None) if self.strata is not None else None
        if whole is None:
            return tuple(found)
        told = stratified(design_of(self.plan, whole), self._sums(self.plan, self.strata))
        better = {(one.arm, one.metric): one for one in told}
        return corrected([better.get((one.arm, one.metric), one) for one in found])


def _notices(design: Design, come: Tally | None, segments: Iterable[str]) -> Iterator[Notice]:
    if come is not None:
        yield from trigger_notices(design, come)
    for trait in segments:
        yield Notice(
            "segments_now",
            f"People are in segments by their {trait} of now: where the treatment changes it, the "
            "effect in a segment is not what it seems.",
        )


def _plan(found: Subject, rule: Rule) -> Plan:
    pilot = found.experiment.pilot if found.experiment else None
    return Plan(
        experiment=found.name,
        control=found.control,
        metrics=found.metrics,
        shares=found.shares,
        rule=rule,
        history=pilot.history if pilot else None,
        randomised=found.randomised,
        clustered=found.clustered,
        rounds=found.rounds,
    )


def _strata(transaction: Transaction, found: Subject) -> pl.DataFrame | None:
    trait = found.experiment.strata if found.experiment else None
    return _segments(transaction, trait) if trait else None


def _segments(transaction: Transaction, trait: str) -> pl.DataFrame:
    """The value of a trait of each person who has it, as text: ``SEGMENTS`` rows."""
    rows = Asked(transaction, None).traits([trait])
    told = {value: str(msgspec.json.decode(value)) for value in rows["value"].unique()}
    segment = rows["value"].replace_strict(told, return_dtype=pl.String).alias("segment")
    return rows.select("person_id", segment)
