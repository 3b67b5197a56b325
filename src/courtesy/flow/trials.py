"""Tests on the steps of journeys: who has which arm, and who was exposed to it."""

from datetime import datetime

import polars as pl

from courtesy.flow import arms
from courtesy.flow.holdouts import after_entry, held
from courtesy.ground.ledger import Transaction
from courtesy.stages.experiments import EXPOSED
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import ARMS, tests_ahead
from courtesy.workspace import Workspace

DEALT = pl.Schema([*ARMS.items(), ("unit", pl.String())])
"""``ARMS``, and the unit that each stands for."""


def dealt(
    transaction: Transaction, definitions: Workspace, due: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """The arms of those who may pass a test before they next wait: ``DEALT`` rows.

    Who was exposed before keeps that arm; a test that is not defined any more deals none.

    Args:
        transaction: of the ledger.
        definitions: what is in force.
        due: ``ENROLLMENTS`` rows.
        now: the present instant.
    """
    asked = tests_ahead(due, definitions.versions)
    standings = experiments_store.standings(transaction) if len(asked) else {}
    found = [pl.DataFrame(schema=DEALT)]
    for (name,), group in asked.group_by("experiment", maintain_order=True):
        experiment = definitions.experiments.get(str(name))
        if experiment is not None:
            people = group.select("person_id").unique(maintain_order=True)
            each = arms.dealt(transaction, definitions, experiment, people, standings, now)
            joined = group.join(each, on="person_id", maintain_order="left")
            found.append(joined.select(DEALT.names()))
    return pl.concat(found)


def exposures(
    trials: pl.DataFrame, dealt: pl.DataFrame, drawn: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """``EXPOSED`` rows of those who passed a test, take part in it and are not left alone.

    Args:
        trials: ``TRIALS`` rows.
        dealt: the ``DEALT`` rows that they came of.
        drawn: their enrollments, as ``holdouts.drawn`` tells them.
        now: when they passed.
    """
    free = drawn.filter(~held()).select("enrollment_id", "entry", "entered_at", "entry_counts")
    units = dealt.select("enrollment_id", "experiment", "unit")
    counted = (
        trials.filter("exposed")
        .join(free, on="enrollment_id", maintain_order="left")
        .join(units, on=("enrollment_id", "experiment"), maintain_order="left")
    )
    first = counted.unique(["experiment", "person_id"], keep="first", maintain_order=True)
    passed = first.with_columns(pl.lit(now, dtype=EXPOSED["exposed_at"]).alias("passed_at"))
    moments = passed.with_columns(after_entry("passed_at").alias("exposed_at"))
    return moments.select(EXPOSED.names())
