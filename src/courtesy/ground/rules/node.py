"""Plain data that knows where it stands, so that every complaint names its node."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from courtesy.ground.primitives.clock import duration
from courtesy.ground.primitives.errors import ConditionError, InputError
from courtesy.ground.rules.model import Path

LONGEST = timedelta(days=3660)
_LONGEST_TEXT = 1_000
_MOST = 1_000_000


def spell(path: Path) -> str:
    """A path as it is written in messages: ``steps[2].branch[0].if``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@dataclass(frozen=True)
class Node:
    """Data below a document, its path there, and how a path becomes a place for the reader."""

    data: object
    path: Path
    place: Callable[[Path], str]

    def refusal(self, detail: str) -> ConditionError:
        """A complaint about this node."""
        return ConditionError(detail, place=self.place(self.path))

    def below(self, part: str | int, data: object) -> "Node":
        """The node of a field or an item of this one."""
        return Node(data, (*self.path, part), self.place)

    def fields(self, known: Iterable[str], *, of: str) -> dict[str, "Node"]:
        """The fields of a mapping; ``of`` is what has the ``known`` ones, for the message."""
        entries = self.mapping(f"{of} holds fields and their values")
        allowed = list(known)
        for name, entry in entries.items():
            if name not in allowed:
                listed = ", ".join(allowed)
                raise entry.refusal(f"{of} has no field of this name. Known here: {listed}.")
        return entries

    def mapping(self, wanted: str) -> dict[str, "Node"]:
        """The entries of a mapping whose keys are text."""
        if not isinstance(self.data, Mapping) or not self.data:
            raise self.refusal(f"{wanted}; found {self.data!r:.80}.")
        for key in self.data:
            if not isinstance(key, str):
                raise self.refusal(f"A field's name is text; found {key!r:.80}.")
        return {key: self.below(key, value) for key, value in self.data.items()}

    def items(self, wanted: str, least: int = 1) -> list["Node"]:
        """The items of a list of ``least`` or more."""
        if not isinstance(self.data, list | tuple) or len(self.data) < least:
            raise self.refusal(f"{wanted}; found {self.data!r:.80}.")
        return [self.below(index, item) for index, item in enumerate(self.data)]

    def name(self) -> str:
        """A text that names something."""
        if not isinstance(self.data, str) or not self.data.strip():
            raise self.refusal(f"It should be a name; found {self.data!r:.80}.")
        return self.text()

    def text(self) -> str:
        """A text that can stand in a statement."""
        text = str(self.data)
        if "\x00" in text or not _encodable(text) or len(text) > _LONGEST_TEXT:
            raise self.refusal(
                f"It should be text of at most {_LONGEST_TEXT} characters without NUL; "
                f"found {text!r:.80}."
            )
        return text

    def number(self, least: int) -> int:
        """A whole number of times."""
        if type(self.data) is not int or not least <= self.data <= _MOST:
            raise self.refusal(
                f"It should be a whole number from {least} to {_MOST}; found {self.data!r:.80}."
            )
        return self.data

    def length(self) -> timedelta:
        """A duration, longer than nothing and at most ten years."""
        if not isinstance(self.data, str):
            raise self.refusal(f"It should be a duration such as 7d; found {self.data!r:.80}.")
        try:
            found = duration(self.data)
        except InputError as error:
            raise self.refusal(error.detail) from None
        if not timedelta() < found <= LONGEST:
            raise self.refusal(
                f"It should be longer than nothing and at most {LONGEST.days}d; found {self.data}."
            )
        return found


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
