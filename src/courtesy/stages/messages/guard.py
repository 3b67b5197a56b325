"""Liquid taken out of markup and put back, so that no MJML or HTML parser can mangle it.

Every ``{{ … }}`` and ``{% … %}`` becomes a word; a tag between elements becomes a comment, since a
word between the rows of a table would be moved out of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.primitives.ids import digest

_PIECES = re.compile(
    r"(?P<output>\{\{.*?\}\})|(?P<tag>\{%.*?%\})"
    r"|(?P<comment><!--)|(?P<uncomment>-->)"
    r"|(?P<raw><(?:style|script|title|mj-style|mj-title|mj-preview)\b)"
    r"|(?P<unraw></(?:style|script|title|mj-style|mj-title|mj-preview)\b)"
    r"|(?P<open><[a-zA-Z/])|(?P<close>>)|(?P<double>\")|(?P<single>')",
    re.DOTALL | re.IGNORECASE,
)
_ENDS = {"comment": "uncomment", "raw": "unraw", "open": "close"}
_TAG = r"""<[a-zA-Z/](?:[^>"']|"[^"]*"|'[^']*')*>"""
_ROW_BEFORE = re.compile(r"<(?:table|tbody|thead|tfoot|/tr|/tbody|/thead|/tfoot)\b", re.IGNORECASE)
_CELL_BEFORE = re.compile(r"<(?:tr|/td|/th)\b", re.IGNORECASE)


@dataclass
class Guard:
    """The Liquid of one text, out of harm's way."""

    source: str
    line: int
    mark: str
    pieces: list[tuple[str, int]] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, source: str, line: int) -> tuple["Guard", str]:
        """A guard, and the text without its Liquid; ``line`` is where the text begins."""
        guard = cls(source, line, f"q{digest(text)[:12]}n")
        return guard, "".join(guard._hidden(text))

    def words(self, text: str) -> str:
        """The page with every stand-in as a visible word; between rows it is a row, and so on."""
        last = ""

        def shown(found: re.Match[str]) -> str:
            nonlocal last
            if not found[1]:
                last = found[0]
                return last
            return _visible(found[1], last)

        return re.sub(rf"<!--({self.mark}\d+z)-->|{_TAG}", shown, text)

    def joined(self, text: str) -> str:
        """The text without the line breaks after lines that are nothing but tags."""
        control = "|".join(f"{self.mark}{number}z" for number in self.tags)
        return re.sub(rf"(?m)^((?:{control}|\s)+)\n", _unbroken, text) if control else text

    def restored(self, text: str) -> str:
        """The Liquid put back."""
        pattern = rf"<!--{self.mark}(\d+)z-->|{self.mark}(\d+)z"
        return re.sub(pattern, lambda found: self.pieces[int(found[1] or found[2])][0], text)

    def check(self, text: str) -> None:
        """See that everything is there, and every tag in its order.

        Raises:
            DefinitionError: a piece stands where the parsers dropped or moved it.
        """
        found = [int(number) for number in re.findall(rf"{self.mark}(\d+)z", text)]
        control = set(self.tags)
        lost = sorted(set(range(len(self.pieces))) - set(found))
        moved = [number for number in found if number in control]
        if not lost and moved == self.tags:
            return
        wrong = lost[0] if lost else _first_difference(self.tags, moved)
        raise self._misplaced(*self.pieces[wrong])

    def holds(self, word: str, name: str) -> bool:
        """Whether a stand-in within ``word`` mentions ``name``."""
        found = re.findall(rf"{self.mark}(\d+)z", word)
        return any(name in self.pieces[int(number)][0] for number in found)

    def _hidden(self, text: str) -> Iterator[str]:
        at, within = 0, ""
        for found in _PIECES.finditer(text):
            yield text[at : found.start()]
            kind = str(found.lastgroup)
            if kind in {"output", "tag"}:
                line = self.line + text.count("\n", 0, found.start())
                yield self._stand_in(found[0], line, within)
            else:
                within = _context(within, kind)
                yield found[0]
            at = found.end()
        yield text[at:]

    def _stand_in(self, piece: str, line: int, within: str) -> str:
        if within == "open":
            raise self._misplaced(piece, line)
        number = len(self.pieces)
        self.pieces.append((piece, line))
        word = f"{self.mark}{number}z"
        if not piece.startswith("{%"):
            return word
        self.tags.append(number)
        return word if within else f"<!--{word}-->"

    def _misplaced(self, piece: str, line: int) -> DefinitionError:
        detail = f"{piece} cannot stand at this place of the markup; put it around whole elements."
        return DefinitionError(detail, place=f"{self.source}:{line}")


def _visible(word: str, before: str) -> str:
    if _ROW_BEFORE.match(before):
        return f"<tr><td>{word}</td></tr>"
    return f"<td>{word}</td>" if _CELL_BEFORE.match(before) else word


def _unbroken(line: re.Match[str]) -> str:
    return re.sub(r"\s", "", line[1])


def _first_difference(expected: list[int], found: list[int]) -> int:
    pairs = zip(expected, found, strict=False)
    return next((want for want, got in pairs if want != got), expected[-1])


def _context(within: str, kind: str) -> str:
    """Where the text after a piece of markup stands: "" between elements, or in which of them."""
    if within in {"double", "single"}:
        return "open" if kind == within else within
    if within == "open" and kind in {"double", "single"}:
        return kind
    if within:
        return "" if _ENDS[within] == kind else within
    return kind if kind in _ENDS else ""
