"""Who did it: events in, the same events with the person in front of them out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from courtesy.ground.primitives.ids import digest
from courtesy.stages.profiles.model import ANONYMOUS, IDENTIFIERS, MERGES, PEOPLE, USER

_Identifier = tuple[str, str]


@dataclass(frozen=True)
class Identified:
    """Events with ``person_id``, and what was learned about who is who."""

    events: pl.DataFrame
    people: pl.DataFrame
    identifiers: pl.DataFrame
    merges: pl.DataFrame


def identify(events: pl.DataFrame, known: pl.DataFrame) -> Identified:
    """Give each event its person.

    A ``user_id`` names one person for good. An ``anonymous_id`` belongs to the first ``user_id`` it
    is seen with; what its nameless person did before becomes part of that user. An ``alias`` makes
    two people one.

    Args:
        events: normalised events, n rows, oldest first.
        known: ``KNOWN`` rows of every identifier in ``events`` that is stored.

    Returns:
        n events with ``person_id``; the people, identifiers and merges to store.
    """
    links = _Links.of(known)
    for user, anonymous, previous in _unsettled(events, known).iter_rows():
        links.link(user, anonymous)
        if previous is not None:
            links.alias(previous, user)
    identified = _with_person(events, links, known)
    learned = links.learned(known)
    people = (
        identified.group_by("person_id", maintain_order=True)
        .agg(pl.col("occurred_at").min().alias("created_at"))
        .cast(PEOPLE)
    )
    merges = pl.DataFrame(list(links.merged()), schema=MERGES, orient="row")
    return Identified(identified, people, learned, merges)


def _unsettled(events: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The distinct id triples of which something is not known yet, in order of appearance."""
    triples = events.select(USER, ANONYMOUS, "previous_id").unique(maintain_order=True)
    user, anonymous = (_persons(known, kind) for kind in (USER, ANONYMOUS))
    joined = triples.join(user, on=USER, how="left", maintain_order="left").join(
        anonymous, on=ANONYMOUS, how="left", maintain_order="left", suffix="_anonymous"
    )
    settled = (
        pl.col("previous_id").is_null()
        & (pl.col(USER).is_null() | pl.col("person_id").is_not_null())
        & (pl.col(ANONYMOUS).is_null() | pl.col("person_id_anonymous").is_not_null())
        & (
            pl.col(USER).is_null()
            | pl.col(ANONYMOUS).is_null()
            | (pl.col("person_id") == pl.col("person_id_anonymous"))
            | pl.col("named_anonymous")
        )
    )
    return joined.filter(~settled.fill_null(value=False)).select(USER, ANONYMOUS, "previous_id")


def _persons(known: pl.DataFrame, kind: str) -> pl.DataFrame:
    chosen = known.filter(pl.col("kind") == kind)
    return chosen.select(pl.col("value").alias(kind), "person_id", "named")


def _with_person(events: pl.DataFrame, links: "_Links", known: pl.DataFrame) -> pl.DataFrame:
    rows = [(*key, links.find(person)) for key, person in links.people.items()]
    new = pl.DataFrame(rows, schema=IDENTIFIERS, orient="row")
    every = pl.concat([new, known.select(list(IDENTIFIERS))]).unique(
        ["kind", "value"], keep="first"
    )
    joined = events
    for kind in (USER, ANONYMOUS):
        found = every.filter(pl.col("kind") == kind).select(
            pl.col("value").alias(kind), pl.col("person_id").alias(f"person_{kind}")
        )
        joined = joined.join(found, on=kind, how="left", maintain_order="left")
    person = pl.coalesce(f"person_{USER}", f"person_{ANONYMOUS}").alias("person_id")
    return joined.with_columns(person).drop(f"person_{USER}", f"person_{ANONYMOUS}")


@dataclass
class _Links:
    """What is known while a batch is read: identifier → person, and who was merged into whom."""

    people: dict[_Identifier, str] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    into: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, known: pl.DataFrame) -> "_Links":
        rows = list(known.select("kind", "value", "person_id", "named").iter_rows())
        people = {(kind, value): person for kind, value, person, _ in rows}
        return cls(people, {person for *_, person, named in rows if named})

    def find(self, person: str) -> str:
        while person in self.into:
            person = self.into[person]
        return person

    def link(self, user: str | None, anonymous: str | None) -> None:
        named = self._person(USER, user)
        nameless = self._person(ANONYMOUS, anonymous)
        if user is not None:
            free = nameless if nameless not in self.named else None
            named = named or free or digest(USER, user)
            self._keep(USER, user, named)
        if anonymous is not None:
            owner = nameless or named or digest(ANONYMOUS, anonymous)
            self._keep(ANONYMOUS, anonymous, owner)
            if named and owner not in self.named:
                self._merge(owner, named)
        if named:
            self.named.add(named)

    def alias(self, previous: str, user: str) -> None:
        before = self._person(USER, previous) or self._person(ANONYMOUS, previous)
        person = self.find(self.people[USER, user])
        if before:
            self._merge(before, person)
        else:
            self._keep(ANONYMOUS, previous, person)

    def learned(self, known: pl.DataFrame) -> pl.DataFrame:
        """Identifiers that are new or now stand for somebody else."""
        stored: Mapping[_Identifier, str] = {
            (kind, value): person for kind, value, person, _ in known.iter_rows()
        }
        found = ((key, self.find(person)) for key, person in self.people.items())
        rows = [(*key, person) for key, person in found if stored.get(key) != person]
        return pl.DataFrame(rows, schema=IDENTIFIERS, orient="row")

    def merged(self) -> Iterable[tuple[str, str]]:
        return ((loser, self.find(loser)) for loser in self.into)

    def _person(self, kind: str, value: str | None) -> str | None:
        person = self.people.get((kind, value)) if value is not None else None
        return self.find(person) if person else None

    def _keep(self, kind: str, value: str, person: str) -> None:
        self.people[kind, value] = person

    def _merge(self, loser: str, winner: str) -> None:
        if loser != winner:
            self.into[loser] = winner
