"""Versions of definitions in the ledger: immutable, one of each name active at the most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.ground.primitives.ids import digest

_QUERIES = named_queries(__file__)


@dataclass(frozen=True)
class Version:
    """One version of a definition; ``body`` is its text as it was written.

    It was in force from its ``release`` on until, and without, that in which it was ``retired``.
    """

    kind: str
    name: str
    version: int
    body: str
    content_hash: str
    applied_at: datetime
    release: int
    retired: int | None

    def in_force(self, release: int) -> bool:
        """Whether it was in force in a release."""
        return self.release <= release and (self.retired is None or self.retired > release)


def active(transaction: Transaction) -> Sequence[Version]:
    """What is in force now, by kind and name."""
    return [_version(row) for row in transaction.rows(_QUERIES["active"])]


def every(transaction: Transaction, kind: str) -> Sequence[Version]:
    """All versions of a kind that ever were in force, oldest first."""
    return [_version(row) for row in transaction.rows(_QUERIES["every"], kind=kind)]


def stamps(transaction: Transaction) -> tuple[tuple[object, ...], ...]:
    """Every version without its text, and whether it is in force: equal stamps, equal definitions.

    They are read in a moment, so that nothing is parsed again until something was applied.
    """
    return tuple(tuple(row.values()) for row in transaction.rows(_QUERIES["stamps"]))


def newest(transaction: Transaction, kind: str, name: str) -> int:
    """The number of the newest version of ``name``, in force or not; 0 where there is none."""
    return int(transaction.scalar(_QUERIES["newest"], kind=kind, name=name))


def next_release(transaction: Transaction) -> int:
    """The number of the next release: of what is applied together."""
    return int(transaction.scalar(_QUERIES["next_release"]))


def put(  # noqa: PLR0913, PLR0917 - what is kept of a version
    transaction: Transaction,
    kind: str,
    name: str,
    body: str,
    now: datetime,
    release: int | None = None,
) -> int:
    """Make ``body`` the active version of ``name``; returns its number."""
    version = newest(transaction, kind, name) + 1
    release = next_release(transaction) if release is None else release
    retire(transaction, kind, name, release)
    transaction.run(
        _QUERIES["insert"],
        kind=kind,
        name=name,
        version=version,
        body=body,
        content_hash=content_hash(body),
        applied_at=now,
        release=release,
    )
    return version


def retire(transaction: Transaction, kind: str, name: str, release: int | None = None) -> None:
    """Take ``name`` out of force; its versions stay."""
    release = next_release(transaction) if release is None else release
    transaction.run(_QUERIES["retire"], kind=kind, name=name, release=release)


def content_hash(body: str) -> str:
    """Tells one text from another."""
    return digest(body)


def _version(row: dict[str, object]) -> Version:
    found = dict(row)
    found["applied_at"] = instant(int(str(found["applied_at"])))
    return Version(**found)  # type: ignore[arg-type]  # the query selects exactly these columns
