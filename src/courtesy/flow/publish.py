"""Exposures from the ledger, where they are made, to the lake, where they are measured."""

from courtesy.app import App
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.experiments import store as experiments_store

_WRITER = "ledger"
_ROWS = 500_000


def publish(app: App) -> None:
    """Copy new exposures from the ledger to the lake; repeating adds nothing."""
    while True:
        landed = app.lake.version(EXPOSURES, _WRITER)
        with app.ledger.read() as transaction:
            exposures = experiments_store.since(transaction, landed, _ROWS)
        if exposures.is_empty():
            return
        upto = int(exposures["exposure_id"].to_list()[-1])
        app.lake.append(EXPOSURES, exposures, writer=_WRITER, version=upto)
