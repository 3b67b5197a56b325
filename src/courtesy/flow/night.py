"""One night: audiences are refreshed, exposures published, the lake made compact, pilots judged."""

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.pilots.life import assess_pilots
from courtesy.flow.publish import publish
from courtesy.flow.trigger import Turn, admit
from courtesy.stages import audiences
from courtesy.stages.events import EVENTS
from courtesy.stages.experiments import EXPOSURES


def night(app: App) -> None:
    """Do what is done once a day.

    Raises:
        HomeError: the disk is full or the ledger is locked; what was done so far stays.
    """
    refresh(app)
    publish(app)
    for table in (EVENTS, EXPOSURES):
        app.lake.compact(table)
    assess_pilots(app)


def refresh(app: App) -> dict[str, tuple[int, int]]:
    """Bring every audience up to date; who joins enters the journeys that wait for them.

    Returns:
        How many people joined and left each audience.
    """
    now = app.clock.now()
    with app.ledger.write() as transaction:
        definitions = workspace.in_force(transaction)
        turn = Turn(app, transaction, definitions, now)
        changes = audiences.refresh(transaction, app.engine, definitions.audiences, now)
        for journey in definitions.journeys.values():
            change = changes.get(journey.entry.audience or "")
            if change is not None and not change.joined.is_empty():
                joined = change.joined.select(
                    "person_id",
                    pl.lit("{}").alias("entry"),
                    pl.lit(now, dtype=pl.Datetime("us", "UTC")).alias("occurred_at"),
                    pl.lit(None, dtype=pl.String).alias("entry_event_id"),
                )
                admit(turn, journey, joined)
    return {name: (len(change.joined), len(change.left)) for name, change in changes.items()}
