"""Who takes part in an experiment outside, and in which arm."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, partial

import polars as pl

from courtesy.flow.holdouts import cluster
from courtesy.flow.trigger import Turn
from courtesy.ground.ledger import Transaction
from courtesy.stages.audiences import evaluate
from courtesy.stages.audiences.model import GIVEN
from courtesy.stages.experiments import (
    UNIVERSAL,
    Experiment,
    Split,
    Standing,
    arms_of,
    is_held,
    rivals,
    runs,
)
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys.model import Trial
from courtesy.workspace import Workspace

DISABLED = "DISABLED"
STATIC = "STATIC"
TARGETING_MATCH = "TARGETING_MATCH"
SPLIT = "SPLIT"

DECIDED = pl.Schema(
    {
        "experiment": pl.String(),
        "person_id": pl.String(),
        "unit": pl.String(),
        "arm": pl.String(),
        "before": pl.Boolean(),
        "reason": pl.String(),
        "takes_part": pl.Boolean(),
    }
)
"""The arm of a person in an experiment outside. ``before``: they were exposed before. ``reason``,
in OpenFeature's words: ``DISABLED`` (it did not start), ``STATIC`` (it ended), ``TARGETING_MATCH``
(its condition does not hold) or ``SPLIT`` (chance). ``takes_part``: seeing the arm is an exposure.
"""


def flags_of(definitions: Workspace) -> Mapping[str, Experiment]:
    """The experiments that may be asked for from outside."""
    inside = {name for journey in definitions.versions.values() for name in journey.tests}
    inside |= {
        node.experiment
        for journey in definitions.journeys.values()
        for node in journey.nodes.values()
        if isinstance(node, Trial)
    }
    return {
        name: one
        for name, one in definitions.experiments.items()
        if name not in inside | definitions.retired and one.observed is None
    }


def decide(
    turn: Turn,
    experiments: Iterable[Experiment],
    people: pl.DataFrame,
    standings: Mapping[str, Standing],
) -> pl.DataFrame:
    """The arm of each person in each experiment, and whether they take part.

    Who was exposed before keeps their arm. Who is held by the universal holdout, or is not whom the
    experiment is for, has the control and takes no part.

    Args:
        turn: the open transaction, what is in force, the time.
        experiments: some of ``flags_of``.
        people: n distinct people: ``person_id``.
        standings: where the experiments stand.

    Returns:
        n rows of ``DECIDED`` for each experiment.
    """
    units = cache(partial(experiments_store.units_of, turn.transaction, people))
    wanted = list(experiments)
    dealt = [_dealt(turn, one, units(cluster(turn.definitions, one)), standings) for one in wanted]
    if not dealt:
        return pl.DataFrame(schema=DECIDED)
    held = _held(turn, units(cluster(turn.definitions)))
    return _judged(pl.concat(dealt), held, _unfit(turn, wanted, people))


def elsewhere(
    transaction: Transaction,
    definitions: Workspace,
    experiment: Experiment,
    people: pl.DataFrame,
    standings: Mapping[str, Standing],
) -> pl.DataFrame:
    """Those of ``people`` (``person_id``) who take part in another experiment of its layer."""
    others = [
        one for name, one in definitions.experiments.items() if name not in definitions.retired
    ]
    apart = rivals(experiment, others, standings)
    return experiments_store.exposed_to_any(transaction, apart, people)


def _dealt(
    turn: Turn,
    experiment: Experiment,
    units: pl.DataFrame,
    standings: Mapping[str, Standing],
) -> pl.DataFrame:
    """What chance gives in one experiment, and what else is known of it."""
    before = experiments_store.exposed_before(turn.transaction, experiment.name, units)
    taken = elsewhere(turn.transaction, turn.definitions, experiment, units, standings)
    standing = standings.get(experiment.name)
    arms = arms_of(units, experiment, turn.now, standing, before, taken)
    return arms.with_columns(
        units["unit"],
        _among(before).alias("before"),
        pl.lit(experiment.name).alias("experiment"),
        pl.lit(experiment.control).alias("control"),
        pl.lit(_closed(experiment, standing, turn.now), pl.String()).alias("closed"),
    )


def _closed(experiment: Experiment, standing: Standing | None, now: datetime) -> str | None:
    """Why chance decides nothing: the pilot did not start yet, or it ended."""
    if runs(experiment, standing, now):
        return None
    return STATIC if standing and standing.started_at <= now else DISABLED


def _judged(dealt: pl.DataFrame, held: pl.DataFrame, unfit: pl.DataFrame) -> pl.DataFrame:
    """Take those out who are held, and those whom an experiment is not for."""
    rows, stranger = dealt, pl.lit(value=False)
    if not unfit.is_empty():
        marked = unfit.with_columns(pl.lit(value=True).alias("unfit"))
        rows = dealt.join(marked, ["experiment", "person_id"], how="left", maintain_order="left")
        stranger = pl.col("unfit").fill_null(value=False)
    running = pl.col("closed").is_null()
    barred = running & stranger & ~pl.col("before")
    out = barred | (running & _among(held))
    chance = pl.when(barred).then(pl.lit(TARGETING_MATCH)).otherwise(pl.lit(SPLIT))
    return rows.select(
        *("experiment", "person_id", "unit"),
        pl.when(out).then("control").otherwise("arm").alias("arm"),
        "before",
        pl.coalesce("closed", chance).alias("reason"),
        (pl.col("exposed") & ~out).alias("takes_part"),
    )


def _among(people: pl.DataFrame) -> pl.Expr:
    if people.is_empty():
        return pl.lit(value=False)
    return pl.col("person_id").is_in(people["person_id"].implode())


def _unfit(turn: Turn, experiments: Iterable[Experiment], people: pl.DataFrame) -> pl.DataFrame:
    """``experiment, person_id`` of those for whom an experiment's condition does not hold."""
    conditions = {f"if/{one.name}": one.eligible for one in experiments if one.eligible is not None}
    found = [pl.DataFrame(schema={"experiment": pl.String(), "person_id": pl.String()})]
    if conditions:
        given = people.select(subject_id="person_id", person_id="person_id", since=None, entry=None)
        engine = turn.app.engine
        facts = evaluate(turn.transaction, engine, conditions, given.cast(GIVEN), turn.now)
        for column in conditions:
            name = pl.lit(column.removeprefix("if/")).alias("experiment")
            found.append(facts.filter(~pl.col(column)).select(name, "person_id"))
    return pl.concat(found)


def _held(turn: Turn, units: pl.DataFrame) -> pl.DataFrame:
    """Those whom the universal holdout leaves alone."""
    policy = turn.definitions.policy
    if policy is None or not policy.holdouts.universal:
        return units.clear()
    split = Split.holdout(UNIVERSAL, policy.holdouts.universal)
    return units.filter(is_held(units["unit"], split))
