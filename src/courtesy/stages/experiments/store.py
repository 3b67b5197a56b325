"""Exposures in the ledger, from where they are published to the lake."""

import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.stages.experiments.model import EXPOSED

_QUERIES = named_queries(__file__)
_NUMBERED = pl.Schema([("exposure_id", pl.Int64()), *EXPOSED.items()])


def expose(transaction: Transaction, exposures: pl.DataFrame) -> None:
    """Keep the first exposure of each person to each experiment."""
    if not exposures.is_empty():
        transaction.load("given", exposures.select(list(EXPOSED)))
        transaction.run(_QUERIES["expose"])


def since(transaction: Transaction, after: int, limit: int) -> pl.DataFrame:
    """Exposures numbered above ``after``, in order, ``limit`` at most."""
    return transaction.frame(_QUERIES["since"], _NUMBERED, after=after, limit=limit)
