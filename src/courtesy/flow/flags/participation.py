"""Who takes part in an experiment outside, and in which arm."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import polars as pl

from courtesy.flow.arms import among, dealt
from courtesy.flow.holdouts import cluster
from courtesy.flow.trigger import Turn
from courtesy.ground.rules import mentions
from courtesy.stages.audiences import evaluate, themselves
from courtesy.stages.experiments import (
    UNIVERSAL,
    Experiment,
    Split,
    Standing,
    is_held,
    runs,
)
from courtesy.stages.experiments import store as experiments_store
from courtesy.workspace import Workspace

Attributes = tuple[tuple[str, str], ...]
"""What the context of a question says of a person: names with JSON values."""

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
    inside |= {name for journey in definitions.journeys.values() for name in journey.tested}
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
    attributes: Attributes = (),
) -> pl.DataFrame:
    """The arm of each person in each experiment, and whether they take part.

    Who was exposed before keeps their arm. Who is held by the universal holdout, or is not whom the
    experiment is for, has the control and takes no part.

    Args:
        turn: the open transaction, what is in force, the time.
        experiments: some of ``flags_of``.
        people: n distinct people: ``person_id``.
        standings: where the experiments stand.
        attributes: what the client says of all of these people, in place of their traits.

    Returns:
        n rows of ``DECIDED`` for each experiment.
    """
    wanted = list(experiments)
    found = [_dealt(turn, one, people, standings) for one in wanted]
    if not found:
        return pl.DataFrame(schema=DECIDED)
    return _judged(pl.concat(found), _held(turn, people), _unfit(turn, wanted, people, attributes))


def _dealt(
    turn: Turn,
    experiment: Experiment,
    people: pl.DataFrame,
    standings: Mapping[str, Standing],
) -> pl.DataFrame:
    """What chance gives in one experiment, and what else is known of it."""
    closed = _closed(experiment, standings.get(experiment.name), turn.now)
    arms = dealt(turn.transaction, turn.definitions, experiment, people, standings, turn.now)
    return arms.with_columns(
        pl.lit(experiment.name).alias("experiment"),
        pl.lit(experiment.control).alias("control"),
        pl.lit(closed, pl.String()).alias("closed"),
    )


def _closed(experiment: Experiment, standing: Standing | None, now: datetime) -> str | None:
    """Why chance decides nothing: the pilot did not start yet, or it ended."""
    if runs(experiment, standing, now):
        return None
    return STATIC if standing and standing.started_at <= now else DISABLED


def _judged(found: pl.DataFrame, held: pl.DataFrame, unfit: pl.DataFrame) -> pl.DataFrame:
    """Take those out who are held, and those whom an experiment is not for."""
    rows, stranger = found, pl.lit(value=False)
    if not unfit.is_empty():
        marked = unfit.with_columns(pl.lit(value=True).alias("unfit"))
        rows = found.join(marked, ["experiment", "person_id"], how="left", maintain_order="left")
        stranger = pl.col("unfit").fill_null(value=False)
    running = pl.col("closed").is_null()
    barred = running & stranger & ~pl.col("before")
    out = barred | (running & among(held))
    chance = pl.when(barred).then(pl.lit(TARGETING_MATCH)).otherwise(pl.lit(SPLIT))
    return rows.select(
        *("experiment", "person_id", "unit"),
        pl.when(out).then("control").otherwise("arm").alias("arm"),
        "before",
        pl.coalesce("closed", chance).alias("reason"),
        (pl.col("exposed") & ~out).alias("takes_part"),
    )


def _unfit(
    turn: Turn, experiments: Iterable[Experiment], people: pl.DataFrame, attributes: Attributes
) -> pl.DataFrame:
    """``experiment, person_id`` of those for whom an experiment's condition does not hold."""
    conditions = {f"if/{one.name}": one.eligible for one in experiments if one.eligible is not None}
    found = [pl.DataFrame(schema={"experiment": pl.String(), "person_id": pl.String()})]
    if conditions:
        engine, given = turn.app.engine, themselves(people)
        traits = _traits(people, attributes)
        facts = evaluate(turn.transaction, engine, conditions, given, turn.now, traits=traits)
        for column in conditions:
            name = pl.lit(column.removeprefix("if/")).alias("experiment")
            found.append(facts.filter(~pl.col(column)).select(name, "person_id"))
    return pl.concat(found)


def _traits(people: pl.DataFrame, attributes: Attributes) -> pl.DataFrame:
    """The attributes as ``person_id, name, value`` of everybody."""
    named = pl.DataFrame(attributes, {"name": pl.String(), "value": pl.String()}, orient="row")
    return people.select("person_id").join(named, how="cross")


def told_of(experiment: Experiment | None, attributes: Attributes) -> Attributes:
    """Those attributes that an experiment asks for; who differs in others is asked for together."""
    if experiment is None or experiment.eligible is None:
        return ()
    wanted = mentions(experiment.eligible).traits
    return tuple(one for one in attributes if one[0] in wanted)


def _held(turn: Turn, people: pl.DataFrame) -> pl.DataFrame:
    """Those whom the universal holdout leaves alone."""
    policy = turn.definitions.policy
    if policy is None or not policy.holdouts.universal:
        return people.clear()
    units = experiments_store.units_of(turn.transaction, people, cluster(turn.definitions))
    split = Split.holdout(UNIVERSAL, policy.holdouts.universal)
    return units.filter(is_held(units["unit"], split))
