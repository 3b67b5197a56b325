"""What the contact changed, against the people it left alone or treated otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.lift.grouped import grouped
from courtesy.flow.lift.subjects import Subject, subject
from courtesy.flow.publish import publish
from courtesy.ground.rules import Did
from courtesy.ground.stats import Rule
from courtesy.stages.lift import (
    DAY,
    By,
    Comparison,
    Design,
    Lift,
    Notice,
    Plan,
    Segmented,
    Tally,
    corrected,
    design_of,
    factor_effects,
    looks,
    measure,
    on_treated,
    segment_notices,
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
    return _look(app, name, rule, metrics, None).whole()


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
    looking = _look(app, name, rule, metrics, by)
    return looking.in_full(looking.whole(), over_time=over_time)


def _look(
    app: App, name: str, rule: Rule, metrics: Iterable[str], by: Iterable[str] | None
) -> "_Looking":
    """What to look at; no segments are looked up where ``by`` is None."""
    publish(app)
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        merges = profiles_store.merges(transaction)
        found = subject(app, transaction, definitions, name, metrics)
        own = found.experiment.segments if found.experiment else ()
        segments = [] if by is None else list(dict.fromkeys([*own, *by]))
        strata = found.experiment.strata if found.experiment and not found.clustered else None
        people = grouped(
            app, transaction, found, merges, {*segments, *([strata] if strata else [])}
        )
    return _Looking(
        app,
        found,
        _plan(found, rule),
        merges,
        segments=[people[trait] for trait in segments],
        strata=people[strata] if strata else None,
    )


@dataclass(frozen=True)
class _Looking:
    """One look at a subject; each figure is another pass of the engine over the same people."""

    app: App
    subject: Subject
    plan: Plan
    merges: pl.DataFrame
    segments: Sequence[Segmented]
    strata: Segmented | None

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
            warnings=(
                *self.subject.notices,
                *lift.warnings,
                *segment_notices([self.strata] if self.strata else []),
            ),
        )

    def in_full(self, lift: Lift, *, over_time: bool) -> Lift:
        """The same with everything else that can be told."""
        experiment = self.subject.experiment
        whole = next(iter(self._sums(replace(self.plan, received=self.subject.received))), None)
        if whole is None:
            return lift
        design = design_of(self.plan, whole)
        come = self._come(experiment.trigger if experiment else None)
        return replace(
            lift,
            warnings=tuple(dict.fromkeys((*lift.warnings, *self._notices(design, come)))),
            on_treated=on_treated(design, whole.reached),
            triggered=triggered(design, come) if come else (),
            factors=factor_effects(design, whole.outcomes, experiment) if experiment else (),
            spreads=tuple(
                spread
                for one in self.segments
                for spread in spreads(design, one.trait, self._sums(self.plan, one.segments))
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

    def _notices(self, design: Design, come: Tally | None) -> Iterator[Notice]:
        if come is not None:
            yield from trigger_notices(design, come)
        yield from segment_notices(self.segments)

    def _stratified(self, found: Sequence[Comparison]) -> tuple[Comparison, ...]:
        """The comparisons, post-stratified where that can be done."""
        whole = next(iter(self._sums(self.plan)), None) if self.strata else None
        if whole is None or self.strata is None:
            return tuple(found)
        parts = self._sums(self.plan, self.strata.segments)
        told = stratified(design_of(self.plan, whole), parts)
        better = {(one.arm, one.metric): one for one in told}
        return corrected([better.get((one.arm, one.metric), one) for one in found])


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
