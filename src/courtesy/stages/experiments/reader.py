"""Reads single nodes of a definition; every complaint names file, line and node."""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from courtesy.ground.definitions import Document
from courtesy.ground.definitions.document import Path
from courtesy.ground.primitives.clock import duration, parse_instant
from courtesy.ground.primitives.errors import ConditionError, DefinitionError, InputError
from courtesy.ground.primitives.shares import percent
from courtesy.ground.rules import Condition, Did, mentions, parse
from courtesy.stages.experiments.model import Change

_PERCENT = re.compile(r"^\s*(-?\d{1,6}(?:\.\d+)?)\s*%\s*$", re.ASCII)
_LARGEST = 1e12


@dataclass(frozen=True)
class Known:
    """What an experiment may refer to."""

    metrics: AbstractSet[str] = frozenset()
    audiences: AbstractSet[str] = frozenset()
    channels: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class Reader:
    """Reads one document; all of it raises ``DefinitionError``."""

    document: Document
    known: Known = field(default_factory=Known)

    def refusal(self, path: Path, detail: str) -> DefinitionError:
        """A complaint about the node at ``path``."""
        return DefinitionError(detail, place=self.document.place(path))

    def length(self, text: str, path: Path) -> timedelta:
        """A duration such as ``7d``, longer than nothing."""
        try:
            found = duration(text)
        except InputError as error:
            raise self.refusal(path, error.detail) from None
        if not found:
            raise self.refusal(path, "It should be longer than nothing.")
        return found

    def share(self, text: object, path: Path) -> float:
        """A share from 0% to 100%, as 0 to 1."""
        try:
            return percent(text)
        except InputError as error:
            raise self.refusal(path, error.detail) from None

    def chance(self, text: str, path: Path) -> float:
        """A share above 0% and below 100%."""
        found = self.share(text, path)
        if not 0 < found < 1:
            raise self.refusal(path, f"It should be above 0% and below 100%; found {text}.")
        return found

    def moment(self, value: object, path: Path) -> datetime:
        """An instant; YAML makes one of a date and a time by itself, in UTC or without a zone."""
        if not isinstance(value, date | str):
            raise self.refusal(path, f"It should be a date and a time; found {value!r:.80}.")
        try:
            found = parse_instant(value if isinstance(value, str) else value.isoformat())
        except InputError as error:
            raise self.refusal(path, error.detail) from None
        return found.astimezone(UTC)

    def change(self, value: object, path: Path) -> Change:
        """A number in the metric's unit, or relative to the control as ``2%``; not zero."""
        text = _PERCENT.match(value) if isinstance(value, str) else None
        found = Change(float(text[1]) / 100, relative=True) if text else Change(number(value))
        if not 0 < abs(found.size) <= _LARGEST:
            wanted = "It should be a number in the metric's unit, or 2% of the control, not zero"
            raise self.refusal(path, f"{wanted}; found {value!r:.80}.")
        return found

    def condition(self, data: object, path: Path) -> Condition:
        """A condition whose audiences and channels exist, and that asks about no journey."""
        try:
            found = parse(data, path, place=self.document.place)
        except ConditionError as error:
            raise DefinitionError(error.detail, place=error.place) from None
        asked = mentions(found)
        self.exist("audience", asked.audiences, self.known.audiences, path)
        self.exist("channel", asked.channels, self.known.channels, path)
        if asked.entry:
            raise self.refusal(
                path, "same_as looks at the event that began a journey; there is none here."
            )
        return found

    def event(self, data: object, path: Path) -> Did:
        """One event, which may have a ``where``."""
        found = self.condition(data, path)
        if not isinstance(found, Did) or found != Did(found.event, where=found.where):
            raise self.refusal(path, "It should be one event: did, with where if need be.")
        return found

    def metric(self, name: str, path: Path) -> str:
        """A metric that exists."""
        self.exist("metric", {name}, self.known.metrics, path)
        return name

    def each_once(self, names: Iterable[str], path: Path) -> tuple[str, ...]:
        """Names of which none is said twice."""
        found: list[str] = []
        for index, name in enumerate(names):
            if name in found:
                raise self.refusal((*path, index), f"{name} is said twice.")
            found.append(name)
        return tuple(found)

    def exist(self, noun: str, names: Iterable[str], known: AbstractSet[str], path: Path) -> None:
        """Refuse names that are not known."""
        for name in names:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise self.refusal(path, f"There is no {noun} {name!r}. There is: {there}.")


def number(value: object) -> float:
    """A number that YAML says; not a number for anything else, and for what no float holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return float("nan")
    return float(value) if abs(value) <= _LARGEST else float("nan")
