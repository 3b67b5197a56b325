"""A condition as a tree of frozen nodes."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

Scalar = str | int | float | bool
Path = tuple[str | int, ...]


class Operator(StrEnum):
    """How a value is compared.

    ``contains`` holds of a text with the operand as a part, and of a list with the operand as a
    whole item, of its own type; ``starts_with`` only of a text.
    """

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    EXISTS = "exists"


@dataclass(frozen=True)
class Comparison:
    """One operator and what to compare with; ``in`` and ``not_in`` hold several values."""

    operator: Operator
    operands: tuple[Scalar, ...]


@dataclass(frozen=True)
class Where:
    """What a property of an event must be like: every comparison holds.

    ``same_as`` is the path of a property of the event that began the journey; the two are equal.
    """

    property: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    same_as: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Did:
    """An event happened between ``at_least`` and ``at_most`` times (None: any number)."""

    event: str
    at_least: int = 1
    at_most: int | None = None
    within: timedelta | None = None
    where: tuple[Where, ...] = ()


@dataclass(frozen=True)
class Sequence:
    """Events happened one after the other, each strictly later than the one before it."""

    steps: tuple[Did, ...]
    within: timedelta | None = None


@dataclass(frozen=True)
class Trait:
    """Every comparison holds for a trait of the person."""

    name: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Member:
    """The person is in an audience."""

    audience: str


@dataclass(frozen=True)
class Consented:
    """The person allows a topic on a channel."""

    topic: str
    channel: str


@dataclass(frozen=True)
class Reachable:
    """The person can be reached on a channel."""

    channel: str


@dataclass(frozen=True)
class AllOf:
    """Every part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Leaf = Did | Sequence | Trait | Member | Consented | Reachable
Condition = Leaf | AllOf | AnyOf | Not
