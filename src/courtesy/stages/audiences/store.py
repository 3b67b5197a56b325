"""Members of audiences, and what the ledger knows of people that conditions ask about."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import polars as pl

from courtesy.ground.definitions import read_yaml
from courtesy.ground.definitions import store as definitions
from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.stages.audiences.check import check
from courtesy.stages.audiences.model import GIVEN, Audience, Change
from courtesy.stages.profiles import store as profiles_store

_QUERIES = named_queries(__file__)
_TEXT = pl.String()
_PERSON = pl.Schema({"person_id": _TEXT})
_ASKED_PEOPLE = "asked_people"


def in_force(transaction: Transaction) -> Mapping[str, Audience]:
    """The audiences in force, each after those that it refers to."""
    active = [v for v in definitions.active(transaction) if v.kind == "audience"]
    return check([read_yaml(f"audiences/{v.name}.yaml", v.body) for v in active])


def population(transaction: Transaction) -> pl.DataFrame:
    """``GIVEN`` rows of all people, each the subject of itself."""
    return transaction.frame(_QUERIES["population"], GIVEN)


class Asked:
    """What the ledger knows of the people asked about; None stands for everybody."""

    def __init__(self, transaction: Transaction, people: pl.DataFrame | None) -> None:
        self._transaction = transaction
        self.everyone = people is None
        self._people = people
        if people is not None:
            transaction.load(_ASKED_PEOPLE, people.select("person_id").unique())

    def traits(self, names: Iterable[str]) -> pl.DataFrame:
        """Their traits of these names: ``person_id, name, value`` (JSON)."""
        self._transaction.load("asked_traits", _names(names))
        return self._frame("traits", {"person_id": _TEXT, "name": _TEXT, "value": _TEXT})

    def consents(self, pairs: Iterable[tuple[str, str]], now: datetime) -> pl.DataFrame:
        """What they allow at ``now`` of pairs of topic and channel, where anything was declared."""
        return profiles_store.consents(self._transaction, pairs, now, self._people)

    def memberships(self, audiences: Iterable[str]) -> pl.DataFrame:
        """In which of these audiences they are: ``audience, person_id``."""
        self._transaction.load("asked_audiences", _names(audiences))
        return self._frame("memberships", {"audience": _TEXT, "person_id": _TEXT})

    def merges(self) -> pl.DataFrame:
        """Under which ids they were known before: ``person_id, into_id``."""
        return self._frame("merges", {"person_id": _TEXT, "into_id": _TEXT})

    def _frame(
        self, query: str, columns: Mapping[str, pl.DataType], **values: object
    ) -> pl.DataFrame:
        text = _QUERIES[query].format(people="people" if self.everyone else _ASKED_PEOPLE)
        return self._transaction.frame(text, pl.Schema(columns), **values)


def members(transaction: Transaction, audience: str) -> pl.DataFrame:
    """Who is in an audience: ``person_id``."""
    return transaction.frame(_QUERIES["members"], _PERSON, audience=audience)


def member_since(transaction: Transaction, audience: str, person_id: str) -> datetime | None:
    """When a person joined an audience; None for somebody who is not in it."""
    values = {"audience": audience, "person_id": person_id}
    since = transaction.scalar(_QUERIES["membership"], **values)
    return None if since is None else instant(int(since))


def counts(transaction: Transaction) -> Mapping[str, int]:
    """How many members each audience has that has any."""
    found = transaction.rows(_QUERIES["counts"])
    return {row["audience"]: int(row["members"]) for row in found}


def put(transaction: Transaction, audience: str, change: Change, now: datetime) -> None:
    """Let those who joined in and those who left out."""
    transaction.load("changed_members", change.left.select("person_id"))
    transaction.run(_QUERIES["leave_audience"], audience=audience)
    transaction.load("changed_members", change.joined.select("person_id"))
    transaction.run(_QUERIES["join_audience"], audience=audience, now=now)


def keep_only(transaction: Transaction, audiences: Iterable[str]) -> None:
    """Forget the members of audiences that no longer exist."""
    transaction.load("asked_audiences", _names(audiences))
    transaction.run(_QUERIES["drop_others"])


def _names(names: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame({"name": sorted(names)}, schema={"name": _TEXT})
