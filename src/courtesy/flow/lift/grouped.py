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
    given = subject.exposures
    if isinstance(given, pl.DataFrame):
        return given
    sql = (
        f"SELECT {', '.join(_COLUMNS)} FROM {given.name}"  # noqa: S608 - our own names, escaped
        f" WHERE experiment = {literal(subject.name)}"
    )
    return app.engine.query(sql, tables=[given], frames={})
