"""Opens and clicks wait until it is known whether a person or a machine made them."""

from datetime import datetime

import polars as pl

from courtesy.app import App
from courtesy.ground.ledger import Transaction
from courtesy.stages.messages import returns, store


def keep_fetches(transaction: Transaction, arrived: pl.DataFrame) -> pl.DataFrame:
    """Set the fetches among ``NORMALISED`` events aside to be judged; returns the other events."""
    found = returns.fetches_of(arrived)
    if found.is_empty():
        return arrived
    store.keep_fetches(transaction, found)
    others = arrived.with_row_index("row").join(found, on="row", how="anti", maintain_order="left")
    return others.drop("row")


def judge_fetches(app: App, now: datetime) -> bool:
    """Put what has settled into the inbox as opens and clicks, of people or of machines.

    Args:
        app: the application.
        now: an instant up to which the inbox was taken in.

    Returns:
        Whether there was anything.
    """
    with app.ledger.read() as transaction:
        if store.ready_fetches(transaction, now).is_empty():
            return False
    with app.ledger.write() as transaction:
        store.judge_fetches(transaction, now)
    return True
