"""Why a person is in an audience, or not."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from courtesy.ground.lake import Engine
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules import explain as explain_condition
from courtesy.stages.audiences.evaluate import evaluate
from courtesy.stages.audiences.model import GIVEN, Audience
from courtesy.stages.audiences.sources import gather
from courtesy.stages.audiences.store import Asked, member_since


@dataclass(frozen=True)
class Explanation:
    """Whether an audience's condition holds now, since when the person is a member, and why.

    ``leaves`` has one row for each leaf of the condition: ``path``, ``leaf`` in words, ``holds``
    and ``evidence`` as JSON.
    """

    holds: bool
    member_since: datetime | None
    leaves: pl.DataFrame


def explain(
    transaction: Transaction, engine: Engine, audience: Audience, person_id: str, now: datetime
) -> Explanation:
    """Each leaf of an audience's condition for one person, with its evidence."""
    person = {"subject_id": person_id, "person_id": person_id, "since": None, "entry": None}
    given = pl.DataFrame([person], schema=GIVEN)
    holds = evaluate(transaction, engine, {"holds": audience.when}, given, now)["holds"]
    sources = gather(Asked(transaction, given), [audience.when], given, now)
    sql = explain_condition(audience.when, now, history=sources.history)
    return Explanation(
        holds=bool(holds.item()),
        member_since=member_since(transaction, audience.name, person_id),
        leaves=sources.query(engine, sql).drop("subject_id"),
    )
