"""People in the ledger."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.profiles.consent import channel_key, topic_key
from courtesy.stages.profiles.identify import Identified
from courtesy.stages.profiles.model import ALLOWED, ANONYMOUS, CONSENTS, KNOWN, MERGES, USER

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


def allowed(
    transaction: Transaction, now: datetime, people: pl.DataFrame | None = None
) -> pl.DataFrame:
    """What people allow at ``now``: ``ALLOWED`` rows; the one place that decides it.

    Args:
        transaction: of the ledger.
        now: the instant; nothing that was declared after it counts.
        people: whom to ask about (``person_id``); everybody when None.
    """
    return transaction.frame(_consents_query(transaction, "allowed", people), ALLOWED, now=now)


def consents(
    transaction: Transaction,
    pairs: Iterable[tuple[str, str]],
    now: datetime,
    people: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Whether people allow pairs of topic and channel, where they declared anything about them.

    Args:
        transaction: of the ledger.
        pairs: topics and channels, as anybody may spell them.
        now: as for ``allowed``.
        people: as for ``allowed``.

    Returns:
        ``ALLOWED`` columns, the pairs as they were asked for, and ``granted``.
    """
    spelled = [(*pair, topic_key(pair[0]), channel_key(pair[1])) for pair in sorted(set(pairs))]
    names = ("asked_topic", "asked_channel", "topic", "channel")
    asked = pl.DataFrame(spelled, schema=dict.fromkeys(names, pl.String()), orient="row")
    transaction.load("asked_consents", asked.select("topic", "channel").unique())
    query = _consents_query(transaction, "declared", people)
    declared = transaction.frame(query, ALLOWED, now=now)
    key = ALLOWED.names()
    granted = allowed(transaction, now, people).with_columns(granted=pl.lit(value=True))
    known = declared.join(granted, on=key, how="left").join(asked, on=key[1:])
    return known.select(
        "person_id",
        pl.col("asked_topic").alias("topic"),
        pl.col("asked_channel").alias("channel"),
        pl.col("granted").fill_null(value=False),
    )


def declarations(transaction: Transaction, people: pl.DataFrame) -> pl.DataFrame:
    """Everything that people (``person_id``) ever declared: ``CONSENTS`` rows."""
    query = _consents_query(transaction, "declarations", people)
    return transaction.frame(query, CONSENTS)


def grants_without_effect(
    transaction: Transaction, consents: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """The grants among ``CONSENTS`` rows that are stored and that a withdrawal beats."""
    grants = consents.filter("granted")
    if grants.is_empty():
        return grants
    people = grants.select("person_id").unique()
    return grants.join(allowed(transaction, now, people), on=ALLOWED.names(), how="anti")


def count(transaction: Transaction) -> int:
    """How many people there are."""
    return int(transaction.scalar(_QUERIES["count_people"]))


def trait_names(transaction: Transaction) -> dict[str, int]:
    """How many people have each trait."""
    return {row["name"]: int(row["people"]) for row in transaction.rows(_QUERIES["trait_names"])}


def topics(transaction: Transaction) -> dict[str, int]:
    """How many declarations there are about each topic."""
    return {row["topic"]: int(row["people"]) for row in transaction.rows(_QUERIES["topics"])}


def traits_of_people(transaction: Transaction, people: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The traits of a few people (``person_id``), by person and name."""
    transaction.load("consents_asked", people.unique())
    found: dict[str, dict[str, Any]] = {}
    query = _QUERIES["traits_of_people"].format(people="consents_asked")
    for row in transaction.rows(query):
        found.setdefault(row["person_id"], {})[row["name"]] = msgspec.json.decode(row["value"])
    return found


def everybody(transaction: Transaction) -> pl.DataFrame:
    """All people: ``person_id``."""
    return transaction.frame(_QUERIES["everybody"], pl.Schema({"person_id": pl.String()}))


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


def ids_of(transaction: Transaction, person_id: str) -> pl.DataFrame:
    """Every id under which the history knows a person, also from before merges: ``person_id``."""
    return transaction.frame(
        _QUERIES["ids_of"], pl.Schema({"person_id": pl.String()}), person_id=person_id
    )


def identifiers_of(transaction: Transaction, person_id: str) -> list[dict[str, str]]:
    """What clients call this person, user ids first."""
    return transaction.rows(_QUERIES["identifiers_of"], person_id=person_id)


def person(transaction: Transaction, name: str, now: datetime) -> Mapping[str, Any]:
    """Everything the ledger knows of one person: identifiers, traits, consents with their source.

    Of a grant ``counts`` says whether it is allowed at ``now``.

    Raises:
        NotFoundError: nobody is called so.
    """
    person_id = find(transaction, name)
    traits = transaction.rows(_QUERIES["traits_of"], person_id=person_id)
    consents = transaction.rows(_QUERIES["consents_of"], person_id=person_id)
    allows = {
        (row["topic"], row["channel"])
        for row in allowed(transaction, now, pl.DataFrame({"person_id": [person_id]})).to_dicts()
    }
    return {
        "person_id": person_id,
        "identifiers": identifiers_of(transaction, person_id),
        "traits": {row["name"]: msgspec.json.decode(row["value"]) for row in traits},
        "consents": [
            {
                **row,
                "granted": bool(row["granted"]),
                "dated": bool(row["dated"]),
                "occurred_at": instant(row["occurred_at"]),
            }
            | ({"counts": (row["topic"], row["channel"]) in allows} if row["granted"] else {})
            for row in consents
        ],
    }


def _consents_query(transaction: Transaction, name: str, people: pl.DataFrame | None) -> str:
    if people is not None:
        transaction.load("consents_asked", people.select("person_id").unique())
    return _QUERIES[name].format(people="people" if people is None else "consents_asked")


def _put(transaction: Transaction, query: str, frame: pl.DataFrame) -> None:
    if not frame.is_empty():
        transaction.load("given", frame)
        transaction.run(_QUERIES[query])
