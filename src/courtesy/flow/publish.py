"""Exposures from the ledger, where they are made, to the lake, where they are measured."""

from courtesy.app import App
from courtesy.ground.lake.epoch import current_writer, land, landing
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.experiments import store as experiments_store

_ROWS = 500_000


def publish(app: App) -> None:
    """Copy new exposures from the ledger to the lake; repeating adds nothing."""
    while True:
        with app.ledger.read() as transaction:
            writer = current_writer(transaction, EXPOSURES)
            inherited = landing(transaction, EXPOSURES).inherited
            landed = max(app.lake.version(EXPOSURES, writer), inherited)
            exposures = experiments_store.since(transaction, landed, _ROWS)
        if exposures.is_empty():
            return
        upto = int(exposures["exposure_id"].to_list()[-1])
        commits = app.lake.append(EXPOSURES, exposures, writer=writer, version=upto)
        with app.ledger.write() as transaction:
            land(transaction, EXPOSURES, upto, commits)
