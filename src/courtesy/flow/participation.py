"""Who takes part in an experiment outside, and in which arm."""

from collections.abc import Mapping

import polars as pl

from courtesy.flow.trigger import Turn
from courtesy.stages.audiences import evaluate
from courtesy.stages.audiences.model import GIVEN
from courtesy.stages.experiments import (
    UNIVERSAL,
    Experiment,
    Split,
    Standing,
    arms_of,
    is_held,
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
        if name not in inside and one.observed is None
    }


def decide(
    turn: Turn, experiment: Experiment, people: pl.DataFrame, standing: Standing | None
) -> pl.DataFrame:
    """The arm of each person, and whether they take part.

    Who was exposed before keeps their arm. Who is held by the universal holdout, or is not whom the
    experiment is for, has the control and takes no part.

    Args:
        turn: the open transaction, what is in force, the time.
        experiment: one of ``flags_of``.
        people: n distinct people: ``person_id``.
        standing: where the experiment stands.

    Returns:
        n rows of ``DECIDED``.
    """
    transaction, policy = turn.transaction, turn.definitions.policy
    shared = policy.holdouts.cluster if policy else None
    units = experiments_store.units_of(transaction, people, experiment.cluster or shared)
    before = experiments_store.exposed_before(transaction, experiment.name, people)
    assigned = arms_of(units, experiment, turn.now, standing, before)
    rows = units.join(assigned, on="person_id", maintain_order="left").with_columns(
        pl.lit(experiment.name).alias("experiment"),
        pl.col("person_id").is_in(before["person_id"].implode()).alias("before"),
    )
    if not runs(experiment, standing, turn.now):
        begun = standing is not None and standing.started_at <= turn.now
        reason = pl.lit(STATIC if begun else DISABLED)
        return rows.select(_decided(reason, pl.col("exposed")))
    barred = ~pl.col("before") & ~_among(_fitting(turn, experiment, people))
    held = _among(_held(turn, people))
    arm = pl.when(held | barred).then(pl.lit(experiment.control)).otherwise("arm").alias("arm")
    reason = pl.when(barred).then(pl.lit(TARGETING_MATCH)).otherwise(pl.lit(SPLIT))
    part = pl.col("exposed") & ~held & ~barred
    return rows.with_columns(arm).select(_decided(reason, part))


def _decided(reason: pl.Expr, takes_part: pl.Expr) -> list[pl.Expr]:
    """The columns of ``DECIDED``."""
    known = [pl.col(name) for name in DECIDED if name not in {"reason", "takes_part"}]
    return [*known, reason.alias("reason"), takes_part.alias("takes_part")]


def _among(people: pl.DataFrame) -> pl.Expr:
    return pl.col("person_id").is_in(people["person_id"].implode())


def _fitting(turn: Turn, experiment: Experiment, people: pl.DataFrame) -> pl.DataFrame:
    """Those for whom the experiment's condition holds."""
    if experiment.eligible is None:
        return people
    given = people.select(
        pl.col("person_id").alias("subject_id"),
        "person_id",
        pl.lit(None).alias("since"),
        pl.lit(None).alias("entry"),
    ).cast(GIVEN)
    conditions = {"fits": experiment.eligible}
    facts = evaluate(turn.transaction, turn.app.engine, conditions, given, turn.now)
    return facts.filter(pl.col("fits"))


def _held(turn: Turn, people: pl.DataFrame) -> pl.DataFrame:
    """Those whom the universal holdout leaves alone."""
    policy = turn.definitions.policy
    if policy is None or not policy.holdouts.universal:
        return people.clear()
    units = experiments_store.units_of(turn.transaction, people, policy.holdouts.cluster)
    split = Split.holdout(UNIVERSAL, policy.holdouts.universal)
    return people.filter(is_held(units["unit"], split))
