"""Import mappings: which columns of a file say who, what and when.

An events mapping::

    person: {user_id: person}
    event: event                     # a column, or {value: Purchase}
    occurred_at: {column: time, unit: hours, since: "2018-08-01T00:00:00-04:00"}
    message_id: id                   # optional; else an id is made of the whole row
    properties:
      offer_id: [value.offer id, value.offer_id]   # the first that is there
      amount: value.amount

A people mapping has ``traits`` and ``consents`` in place of ``event`` and ``properties``. A dotted
name reaches into nested objects, unless a column is named so literally.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from courtesy.ground.definitions import Model
from courtesy.ground.primitives.clock import EPOCH, parse_instant
from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.zones import read_zone
from courtesy.stages.events.encoding import Form

Unit = Literal["us", "ms", "s", "minutes", "hours", "days"]
Path = tuple[str | int, ...]


def _instant(given: object) -> object:
    try:
        return parse_instant(given) if isinstance(given, str) else given
    except InputError as error:
        raise ValueError(error.detail) from None


def _listed(given: object) -> object:
    return None if given == "all" else given


def _zone(given: object) -> object:
    found = read_zone(given) if isinstance(given, str) else given
    if isinstance(given, str) and found is None:
        raise ValueError("It should be a time zone such as America/New_York")
    return found


def _encoding(given: object) -> object:
    try:
        known = not isinstance(given, str) or "x".encode(given).decode(given) == "x"
    except (LookupError, UnicodeError):
        known = False
    if not known:
        raise ValueError("It should be an encoding such as windows-1252 or utf-16-le")
    return given


class Value(Model):
    """Where one value of a row comes from: a column, a constant, or text with columns in it.

    ``column`` may be several, of which the first that is there counts. ``unit`` with ``since``, or
    ``format`` (as of strptime) with ``zone``, make a time of it; ``type`` makes it a number, text,
    or true or false. ``decimal`` and ``thousands`` say which marks a number has, as in 1.234,50.
    """

    column: str | list[str] = Field(default_factory=list)
    value: Any = None
    text: str | None = None
    type: Literal["text", "number", "boolean"] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "\u00a0", "\u202f", "'"] | None = None
    format: str | None = None
    zone: Annotated[str | None, BeforeValidator(_zone)] = None
    unit: Unit | None = None
    since: Annotated[datetime, BeforeValidator(_instant)] = EPOCH

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, given: object) -> object:
        return {"column": given} if isinstance(given, (str, list)) else given

    @model_validator(mode="after")
    def _one_origin(self) -> "Value":
        origins = {"column", "value", "text"} & self.model_fields_set
        if len(origins) != 1:
            raise ValueError("It should name one of column, value and text")
        return self

    @property
    def columns(self) -> list[str]:
        """The columns it may come from, the best first."""
        return [self.column] if isinstance(self.column, str) else self.column

    @property
    def inside(self) -> list[str]:
        """The columns that stand in braces in ``text``."""
        return [name for _, name, _, _ in Formatter().parse(self.text or "") if name is not None]

    @model_validator(mode="after")
    def _plain_text(self) -> "Value":
        for _, name, form, conversion in Formatter().parse(self.text or ""):
            if name == "" or form or conversion:
                raise ValueError("Braces should hold the name of a column and nothing else")
        return self

    def needs(self) -> Iterator[list[str]]:
        """Each set of columns of which the file has to have one."""
        if self.columns:
            yield self.columns
        yield from ([name] for name in self.inside)


class Person(Model):
    """Which columns say whose row it is; a column by itself is the ``user_id``."""

    user_id: Value | None = None
    anonymous_id: Value | None = None

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, given: object) -> object:
        return {"user_id": given} if isinstance(given, (str, list)) else given

    @model_validator(mode="after")
    def _somebody(self) -> "Person":
        if not (self.user_id or self.anonymous_id):
            raise ValueError("It should name user_id or anonymous_id")
        return self


class Condition(Model):
    """Whether a column holds a value (``is``), or does not hold it (``is_not``)."""

    column: Value
    is_: Any = Field(default=None, alias="is")
    is_not: Any = None

    @model_validator(mode="after")
    def _one_test(self) -> "Condition":
        if len({"is_", "is_not"} & self.model_fields_set) != 1:
            raise ValueError("It should have is or is_not")
        return self


class Consent(Model):
    """A consent that each row stands for, or each row of which ``when`` is true."""

    topic: str
    channel: str
    source: str
    granted: bool = True
    when: Condition | None = None
    occurred_at: Value | None = None


Named = Annotated[dict[str, Value] | None, BeforeValidator(_listed)]
"""Values by name; None, written ``all``, is every column that has no other use."""


class _FileMapping(Model):
    """What every mapping says of its files: how their text is written, and what is empty."""

    delimiter: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    encoding: Annotated[str | None, BeforeValidator(_encoding)] = None
    null_values: list[str] = Field(default_factory=lambda: [""])

    @property
    def form(self) -> Form:
        """How the text of the files is written, as far as it is told."""
        return Form(self.delimiter, self.encoding)


class EventMapping(_FileMapping):
    """How the rows of a file become ``track`` calls."""

    person: Person
    event: Value
    occurred_at: Value
    message_id: Value | None = None
    properties: Named = None


class PersonMapping(_FileMapping):
    """How the rows of a file become people with traits and consents."""

    person: Person
    occurred_at: Value | None = None
    message_id: Value | None = None
    traits: Named = None
    consents: list[Consent] = Field(default_factory=list)


AnyMapping = EventMapping | PersonMapping


@dataclass(frozen=True)
class Need:
    """A place in a mapping that wants one of these columns."""

    path: Path
    columns: list[str]


def needs(mapping: AnyMapping) -> list[Need]:
    """Every place of a mapping that names columns."""
    return [Need(path, columns) for path, value in _values(mapping) for columns in value.needs()]


def _values(mapping: AnyMapping) -> Iterator[tuple[Path, Value]]:
    yield from _those(mapping.person, "user_id", "anonymous_id", under=("person",))
    yield from _those(mapping, "event", "occurred_at", "message_id")
    name = "properties" if isinstance(mapping, EventMapping) else "traits"
    for key, value in (named_values(mapping) or {}).items():
        yield (name, key), value
    for index, consent in enumerate(getattr(mapping, "consents", ())):
        yield from _those(consent, "occurred_at", under=("consents", index))
        if consent.when:
            yield ("consents", index, "when", "column"), consent.when.column


def named_values(mapping: AnyMapping) -> Mapping[str, Value] | None:
    """The properties or traits that a mapping lists; None when it takes all."""
    return mapping.properties if isinstance(mapping, EventMapping) else mapping.traits


def _those(model: Model, *names: str, under: Path = ()) -> Iterator[tuple[Path, Value]]:
    for name in names:
        value = getattr(model, name, None)
        if value is not None:
            yield (*under, name), value
