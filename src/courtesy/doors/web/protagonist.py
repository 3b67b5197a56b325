"""Whose story to tell: somebody to whom as much as possible of what can happen has happened."""

import polars as pl

from courtesy.app import App
from courtesy.ground.ledger import Transaction, named_queries
from courtesy.stages.events import EVENTS

_QUERIES = named_queries(__file__)
_TREATMENT = pl.Schema(
    {
        "person_id": pl.String(),
        **dict.fromkeys(("sent", "journeys", "refused", "goals"), pl.Int64()),
    }
)
_ASKED = 500
_SHORT, _LONG = 8, 40
_BEHAVIOUR = """
SELECT person_id, count(*) AS events,
       count(*) FILTER (WHERE event = 'Email Opened') AS opened,
       count(*) FILTER (WHERE event = 'Email Link Clicked') AS clicked
FROM events WHERE person_id IN (SELECT person_id FROM asked) GROUP BY person_id
"""


def richest(app: App, transaction: Transaction) -> str | None:
    """The person with the richest story; None where nobody was sent anything."""
    treated = transaction.frame(_QUERIES["treatment"], _TREATMENT)
    lively = treated.sort(_liveliness(), "person_id", descending=[True, False]).head(_ASKED)
    asked = lively.select("person_id")
    did = app.engine.query(_BEHAVIOUR, tables=[EVENTS], frames={"asked": asked})
    both = lively.join(did, on="person_id", how="inner")
    best = both.sort(_liveliness() + _answers(), "person_id", descending=[True, False])
    return next(iter(best["person_id"].to_list()), None)


def _liveliness() -> pl.Expr:
    """Several journeys, messages sent and not sent, a goal reached."""
    return (
        pl.min_horizontal("sent", 4)
        + 2 * pl.col("journeys")
        + 2 * pl.min_horizontal("refused", 2)
        + 3 * pl.min_horizontal("goals", 2)
    )


def _answers() -> pl.Expr:
    """Messages opened and followed, and neither too little nor too much to read."""
    readable = pl.col("events").is_between(_SHORT, _LONG).cast(pl.Int64)
    return 2 * pl.min_horizontal("opened", 2) + 3 * pl.min_horizontal("clicked", 2) + 4 * readable
