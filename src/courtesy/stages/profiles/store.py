"""People in the ledger."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.profiles.identify import Identified
from courtesy.stages.profiles.model import ANONYMOUS, KNOWN, MERGES, USER

_QUERIES = named_queries(__file__)
_MERGE = (
    "flatten_merges",
    "add_merges",
    "merge_identifiers",
    "merge_traits",
    "merge_consents",
    "drop_merged_traits",
    "drop_merged_consents",
    "drop_merged_people",
)


def known(transaction: Transaction, events: pl.DataFrame) -> pl.DataFrame:
    """``KNOWN`` rows of the identifiers in the events that are stored."""
    mentioned = [
        events.select(pl.lit(kind).alias("kind"), pl.col(column).alias("value"))
        for kind, column in (
            (USER, USER),
            (ANONYMOUS, ANONYMOUS),
            (USER, "previous_id"),
            (ANONYMOUS, "previous_id"),
        )
    ]
    wanted = pl.concat(mentioned).drop_nulls().unique()
    transaction.load("given", wanted)
    return transaction.frame(_QUERIES["known"], KNOWN)


def called(transaction: Transaction, kind: str, value: str | None) -> tuple[str, bool] | None:
    """The person with this identifier, and whether they have a ``user_id``; None for nobody."""
    row = transaction.one(_QUERIES["called"], kind=kind, value=value)
    return None if row is None else (str(row["person_id"]), bool(row["named"]))


def put_identified(transaction: Transaction, identified: Identified, now: datetime) -> None:
    """Keep what was learned about who is who."""
    _put(transaction, "add_people", identified.people)
    _put(transaction, "point_identifiers", identified.identifiers)
    if not identified.merges.is_empty():
        transaction.load("given", identified.merges)
        for query in _MERGE:
            values = {"now": now} if query == "add_merges" else {}
            transaction.run(_QUERIES[query], **values)


def merges(transaction: Transaction) -> pl.DataFrame:
    """``MERGES`` rows of all people who turned out to be somebody else, one hop each."""
    return transaction.frame(_QUERIES["merges"], MERGES)


def current(transaction: Transaction, frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows, where people who were merged are the people they became."""
    merged = merges(transaction)
    if merged.is_empty():
        return frame
    joined = frame.join(merged, on="person_id", how="left", maintain_order="left")
    now_called = pl.coalesce("into_id", "person_id").alias("person_id")
    return joined.with_columns(now_called).drop("into_id")


def put_traits(transaction: Transaction, traits: pl.DataFrame) -> None:
    """Keep ``TRAITS`` rows; an older value never replaces a newer one."""
    _put(transaction, "put_traits", traits)


def put_consents(transaction: Transaction, consents: pl.DataFrame) -> None:
    """Keep ``CONSENTS`` rows, beside what was declared before."""
    _put(transaction, "put_consents", consents)


def count(transaction: Transaction) -> int:
    """How many people there are."""
    return int(transaction.scalar(_QUERIES["count_people"]))


def listed(transaction: Transaction, limit: int) -> list[dict[str, Any]]:
    """The first ``limit`` people, oldest first."""
    rows = transaction.rows(_QUERIES["list_people"], limit=limit)
    return [{**row, "created_at": instant(row["created_at"])} for row in rows]


def find(transaction: Transaction, name: str) -> str:
    """The id of the person whom an identifier or a (former) id names.

    Raises:
        NotFoundError: nobody is called so.
    """
    row = transaction.one(_QUERIES["find_person"], name=name)
    if row is None:
        raise NotFoundError(f"No person has the id {name!r}.")
    return str(row["person_id"])


def identifiers_of(transaction: Transaction, person_id: str) -> list[dict[str, str]]:
    """What clients call this person, user ids first."""
    return transaction.rows(_QUERIES["identifiers_of"], person_id=person_id)


def person(transaction: Transaction, name: str) -> Mapping[str, Any]:
    """Everything the ledger knows of one person: identifiers, traits, consents with their source.

    Raises:
        NotFoundError: nobody is called so.
    """
    person_id = find(transaction, name)
    traits = transaction.rows(_QUERIES["traits_of"], person_id=person_id)
    consents = transaction.rows(_QUERIES["consents_of"], person_id=person_id)
    return {
        "person_id": person_id,
        "identifiers": identifiers_of(transaction, person_id),
        "traits": {row["name"]: msgspec.json.decode(row["value"]) for row in traits},
        "consents": [
            {**row, "granted": bool(row["granted"]), "occurred_at": instant(row["occurred_at"])}
            for row in consents
        ],
    }


def _put(transaction: Transaction, query: str, frame: pl.DataFrame) -> None:
    if not frame.is_empty():
        transaction.load("given", frame)
        transaction.run(_QUERIES[query])
