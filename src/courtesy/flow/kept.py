"""Exposures that just happened, with what their people were like."""

from collections.abc import Mapping

import polars as pl

from courtesy.ground.ledger import Transaction
from courtesy.stages.experiments import keep
from courtesy.stages.experiments import store as experiments_store
from courtesy.workspace import Workspace


def kept(transaction: Transaction, definitions: Workspace, exposures: pl.DataFrame) -> pl.DataFrame:
    """The ``EXPOSED`` rows as ``KEPT`` ones, by the traits that the ledger has now."""
    wanted = grouped_by(definitions)
    concerned = exposures.filter(pl.col("experiment").is_in(list(wanted)))
    names = {name for experiment in concerned["experiment"].unique() for name in wanted[experiment]}
    return keep(exposures, experiments_store.traits_of(transaction, concerned, names), wanted)


def grouped_by(definitions: Workspace) -> Mapping[str, tuple[str, ...]]:
    """The traits that the experiments' segments and strata name, of those that name any."""
    tried = definitions.experiments.values()
    return {one.name: one.grouped_by for one in tried if one.grouped_by}
