"""One grouped look at a relation, in which each distinct fact is found once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class Pass:
    """Facts of one relation, one row for each value of ``key``.

    ``source`` is what stands after FROM. ``names`` and ``lengths`` are what its facts look for,
    and how far back (None: ever).
    """

    name: str
    source: str
    key: str
    columns: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    lengths: list[timedelta | None] = field(default_factory=list)

    def column(self, expression: str) -> str:
        """The name of the column that holds an aggregate."""
        return self.columns.setdefault(expression, f"{self.name}_{len(self.columns)}")

    def longest(self) -> timedelta | None:
        """How far back the facts look at the most; None for ever."""
        bounded = [length for length in self.lengths if length is not None]
        return max(bounded) if bounded and len(bounded) == len(self.lengths) else None

    def table(self, conditions: Iterable[str]) -> str:
        """The pass as a named table, over the rows that meet all ``conditions``."""
        columns = [self.key, *(f"{what} AS {name}" for what, name in self.columns.items())]
        kept = " AND ".join(conditions) or "TRUE"
        select = f"SELECT {', '.join(columns)} FROM {self.source} WHERE {kept}"  # noqa: S608 - values are escaped literals
        return f"by_{self.name} AS ({select} GROUP BY {self.key})"

    def join(self) -> str:
        """How ``given`` finds its row."""
        key = self.key.rpartition(".")[2]
        return f" LEFT JOIN by_{self.name} ON by_{self.name}.{key} = given.{key}"
