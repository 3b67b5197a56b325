"""One row of a file, whatever the kind of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row: its line in the file, its fields; or else why it has none, and how it begins.

    ``typed`` is false where every value is text, as in CSV.
    """

    line: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    begins: str = ""
    typed: bool = True
