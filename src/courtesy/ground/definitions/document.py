"""What a file says, with the place of each of its nodes, and the kind of thing it can become."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

Path = tuple[str | int, ...]


class Model(BaseModel):
    """A definition: immutable, of exact types, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Document:
    """What a file says, and on which line each of its nodes stands."""

    source: str
    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def place(self, path: Path = ()) -> str:
        """Such as ``journeys/welcome.yaml:7: steps[2].wait``."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        where = f"{self.source}:{self.lines.get(known, 1)}"
        return f"{where}: {spell(path)}" if path else where


def spell(path: Path) -> str:
    """A path as it is written in messages: ``steps[2].wait``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
