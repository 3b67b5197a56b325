"""What a journey may refer to, and the complaints about what it must not."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from courtesy.ground.definitions import Document
from courtesy.ground.definitions.document import Path
from courtesy.ground.primitives.clock import duration
from courtesy.ground.primitives.errors import DefinitionError, InputError
from courtesy.ground.rules import Condition, mentions, parse
from courtesy.stages.experiments import Experiment


@dataclass(frozen=True)
class Known:
    """What a journey may refer to.

    ``applied``: the journey was in force before. What it refers to was there then, so nothing is
    refused for being absent now.
    """

    templates: AbstractSet[str]
    audiences: AbstractSet[str]
    channels: AbstractSet[str]
    experiments: Mapping[str, Experiment] = field(default_factory=dict)
    applied: bool = False


@dataclass
class Inspector:
    """Reads the parts of one document; complaints name its file, line and node."""

    document: Document
    known: Known

    def condition(self, data: object, path: Path) -> Condition:
        """A condition, all of whose audiences and channels exist."""
        condition = parse(data, path, place=self.document.place)
        found = mentions(condition)
        self.exist("audience", found.audiences, self.known.audiences, path)
        self.exist("channel", found.channels, self.known.channels, path)
        return condition

    def length(self, text: object, path: Path) -> timedelta:
        """A duration such as ``7d``, longer than nothing."""
        try:
            length = duration(str(text))
        except InputError as error:
            raise self.refusal(path, error.detail) from None
        if not length:
            raise self.refusal(path, "It should be longer than nothing.")
        return length

    def audience(self, name: str, path: Path) -> str:
        """An audience that exists."""
        self.exist("audience", [name], self.known.audiences, path)
        return name

    def fields(
        self,
        body: object,
        path: Path,
        known: AbstractSet[str],
        required: AbstractSet[str] = frozenset(),
    ) -> dict[str, Any]:
        """A mapping that holds only known fields, and the required ones."""
        if not isinstance(body, dict):
            raise self.refusal(
                path, f"It should hold {', '.join(sorted(known))}; found {body!r:.80}."
            )
        for name in body:
            if name not in known:
                listed = ", ".join(sorted(known))
                raise self.refusal(
                    (*path, name), f"There is no field of this name. Known here: {listed}."
                )
        for name in sorted(required - set(body)):
            raise self.refusal(path, f"The field {name} is required.")
        return body

    def exist(
        self,
        noun: str,
        names: Iterable[object],
        known: Collection[str],
        path: Path,
        why: str = "",
    ) -> None:
        """Refuse the first name that is not known, ``why`` it is needed behind it."""
        for name in names:
            if not isinstance(name, str) or not (self.known.applied or name in known):
                there = ", ".join(sorted(known)) or "none"
                raise self.refusal(path, f"There is no {noun} {name!r}{why}. There is: {there}.")

    def refusal(self, path: Path, detail: str) -> DefinitionError:
        """A complaint about the node at ``path``."""
        return DefinitionError(detail, place=self.document.place(path))
