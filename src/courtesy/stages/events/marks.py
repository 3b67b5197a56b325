"""Columns of numbers that were read as text, since their marks are not those of a plain number."""

import re
from collections.abc import Mapping
from typing import Any

_MARKED = re.compile(
    r"[€$£¥]?\s?[+-]?\d{1,3}(?:[.,' \u00a0\u202f]?\d{3})*(?:[.,]\d+)?\s?[€$£¥%]?", re.ASCII
)
_SIGNS = "€$£¥%"
_DECIMAL_COMMA = re.compile(r"[^,]*,\d{1,2}|[^,]*,\d{4,}|[^,]*\.[^,]*,\d+").fullmatch


class MarkedNumbers:
    """Counts, for each name, the values, those that are no numbers and those that look like one."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._first: dict[str, str] = {}

    def count(self, described: Mapping[str, Any]) -> None:
        """Count the values of one row."""
        for name, found in described.items():
            counts = self._counts.setdefault(name, [0, 0, 0])
            counts[0] += 1
            if isinstance(found, str):
                counts[1] += 1
                if _is_marked(found):
                    counts[2] += 1
                    self._first.setdefault(name, found)

    def notices(self) -> list[str]:
        """A sentence for each name most of whose texts are numbers with marks."""
        return [
            f"{texts:,} of {total:,} values of {name} are no numbers "
            f"(first: {self._first[name]!r}); {_remedy(self._first[name])}."
            for name, (total, texts, marked) in self._counts.items()
            if 2 * marked > texts
        ]


def _is_marked(text: str) -> bool:
    plain = text.strip()
    has_mark = any(one in plain for one in f",{_SIGNS}")
    return has_mark and _MARKED.fullmatch(plain) is not None


def _remedy(text: str) -> str:
    if any(sign in text for sign in _SIGNS):
        return "leave the sign out of the file"
    mark = "decimal" if _DECIMAL_COMMA(text) else "thousands"
    return f'say {mark}: "," in the mapping'
