"""The arms that people have in one experiment, from all that is kept of them."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from courtesy.flow.holdouts import cluster
from courtesy.ground.ledger import Transaction
from courtesy.stages.experiments import Experiment, Standing, arms_of, rivals
from courtesy.stages.experiments import store as experiments_store
from courtesy.workspace import Workspace


def dealt(  # noqa: PLR0913, PLR0917 - where to look, what for, whom about and when
    transaction: Transaction,
    definitions: Workspace,
    experiment: Experiment,
    people: pl.DataFrame,
    standings: Mapping[str, Standing],
    now: datetime,
) -> pl.DataFrame:
    """What chance gives, and what else decides.

    Args:
        transaction: of the ledger.
        definitions: what is in force.
        experiment: one of them.
        people: n distinct people: ``person_id``.
        standings: where experiments stand.
        now: the present instant.

    Returns:
        n ``ASSIGNED`` rows in the order of ``people`` with ``unit``; ``before``: they were exposed
        before; ``taken``: they take part in another experiment of its layer.
    """
    units = experiments_store.units_of(transaction, people, cluster(definitions, experiment))
    before = experiments_store.exposed_before(transaction, experiment.name, people)
    others = [
        one for name, one in definitions.experiments.items() if name not in definitions.retired
    ]
    apart = rivals(experiment, others, standings)
    taken = experiments_store.exposed_to_any(transaction, apart, people) if apart else people[:0]
    arms = arms_of(units, experiment, now, standings.get(experiment.name), before, taken)
    return arms.with_columns(
        units["unit"], among(before).alias("before"), among(taken).alias("taken")
    )


def among(people: pl.DataFrame) -> pl.Expr:
    """Whether a person is one of ``people`` (``person_id``)."""
    if people.is_empty():
        return pl.lit(value=False)
    return pl.col("person_id").is_in(people["person_id"].implode())
