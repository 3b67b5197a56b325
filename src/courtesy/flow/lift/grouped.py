"""The people of a subject by their traits, as they were when they were exposed."""

from collections.abc import Collection, Mapping

import polars as pl

from courtesy.app import App
from courtesy.flow.lift.subjects import Subject
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules.literals import literal
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift import Segmented, segmented

_COLUMNS = ("person_id", "exposed_at", "traits")


def grouped(
    app: App,
    transaction: Transaction,
    subject: Subject,
    merges: pl.DataFrame,
    traits: Collection[str],
) -> Mapping[str, Segmented]:
    """Everybody who was exposed by each of the traits.

    Args:
        app: the wired application.
        transaction: of the ledger.
        subject: what is measured.
        merges: ``MERGES`` rows.
        traits: their names.
    """
    if not traits:
        return {}
    exposures = _exposures(app, subject)
    told = experiments_store.traits_of(transaction, None, traits)
    return {trait: segmented(exposures, told, trait, merges) for trait in traits}


def _exposures(app: App, subject: Subject) -> pl.DataFrame:
    """Its exposures; a lake from before traits were kept has no column for them."""
    given = subject.exposures
    if isinstance(given, pl.DataFrame):
        return given
    there = app.engine.query(f"SELECT * FROM {given.name} LIMIT 0", tables=[given], frames={})  # noqa: S608 - our own name
    columns = ", ".join(name for name in _COLUMNS if name in there.columns)
    sql = f"SELECT {columns} FROM {given.name} WHERE experiment = {literal(subject.name)}"  # noqa: S608 - escaped
    return app.engine.query(sql, tables=[given], frames={})
