"""Rows of delimited text, as spreadsheets and exports write it (RFC 4180 and its relatives).

A quote that is not closed costs the row that it stands in, not the rest of the file.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events.encoding import Form, not_utf8, open_text
from courtesy.stages.events.row import Row

_DELIMITERS = ",;\t|"
_LONGEST = 1024 * 1024
_SAMPLE = 50
_SHOWN = 1_000
_said_delimiter = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE).fullmatch


def delimited_rows(stream: Any, form: Form) -> Iterator[Row]:  # noqa: ANN401 - file types differ
    """The rows below the first line, which names the columns; all values are text.

    The delimiter is that of ``form``, of a first line ``sep=;``, or the one by which the first
    rows fall into as many fields as there are columns.

    Raises:
        DataError: the first line gives no columns; says what is wrong with it.
    """
    text = open_text(stream, form)
    lines = iter(lambda: text.readline(_LONGEST), "")
    sample = list(islice(lines, _SAMPLE))
    said = _said_delimiter(sample[0]) if sample else None
    skipped = sample[:1] if said else []
    sample = sample[len(skipped) :]
    delimiter = form.delimiter or (said[1] if said else _delimiter_of(sample))
    records = _Records(chain(sample, lines), delimiter, len(skipped))
    header = _header(next(records, _Record(1, [])), delimiter)
    for row in records:
        if row.cells or row.fault:
            yield _named(row, header, delimiter)


class _Record(NamedTuple):
    """What stands up to a line: its cells, or what is wrong with it and how it begins."""

    line: int
    cells: list[str]
    fault: str = ""
    begins: str = ""


class _Records(Iterator[_Record]):
    """The records of some lines, one after the other."""

    def __init__(self, lines: Iterator[str], delimiter: str, line: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._line = line
        self._again = deque[str]()

    def __next__(self) -> _Record:
        taken: list[str] = []
        try:
            cells = next(_reader(self._take(taken), self._delimiter))
        except csv.Error as error:
            return self._refused(taken, str(error))
        self._line += len(taken)
        return _Record(self._line, cells)

    def _take(self, taken: list[str]) -> Iterator[str]:
        size = 0
        while size < _LONGEST:
            line = self._again.popleft() if self._again else next(self._lines, "")
            if not line:
                return
            size += len(line)
            taken.append(line)
            yield line

    def _refused(self, taken: Sequence[str], why: str) -> _Record:
        """Refuse the lines to the one in which the quote opens, and go on after it."""
        opened = _opened(taken)
        self._again.extendleft(reversed(taken[opened + 1 :]))
        begins = "".join(taken[: opened + 1])[:_SHOWN].encode(errors="replace").decode()
        self._line += opened + 1
        if len(taken) > 1 or "end of data" in why:
            why = f"the quote that opens on line {self._line} is not closed"
        return _Record(self._line, [], f"It is not CSV: {why}.", begins)


def _opened(lines: Sequence[str]) -> int:
    """Which of these lines, the last apart, ends with a quote open that it opened itself."""
    opened, inside = 0, False
    for index, line in enumerate(lines[:-1]):
        turns = line.count('"') % 2 == 1
        if turns and not inside:
            opened = index
        inside ^= turns
    return opened


def _reader(lines: Iterator[str], delimiter: str) -> Any:  # noqa: ANN401 - csv hides its type
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _delimiter_of(sample: Sequence[str]) -> str:
    return max(_DELIMITERS, key=lambda one: _fitness(sample, one))


def _fitness(sample: Sequence[str], delimiter: str) -> tuple[float, int, int]:
    """How many rows have as many fields as the first line; then how it stands in that line."""
    records = _Records(iter(sample), delimiter, 0)
    counts = [len(row.cells) for row in records if row.cells]
    if not counts or counts[0] < 2:  # noqa: PLR2004 - one field has no delimiter
        return (-1.0, 0, 0)
    below = counts[1:]
    spaced = sample[0].count(f"{delimiter} ")
    fitting = below.count(counts[0]) / len(below) if below else 1.0
    return (fitting, counts[0] - 1 - spaced, counts[0])


def _header(first: _Record, delimiter: str) -> list[str]:
    if first.fault:
        raise DataError(f"Its first line should name the columns. {first.fault}")
    header = first.cells
    text = delimiter.join(header)
    if "\0" in text or text.startswith("PK\3\4"):
        raise DataError(
            "It is no text in UTF-8. A spreadsheet should be saved as CSV; "
            "for text in UTF-16 without a mark say encoding: utf-16-le in the mapping."
        )
    if not _is_text(text):
        raise DataError(not_utf8(first.line))
    if len(set(header)) < len(header) or not all(header):
        raise DataError("Its first line should give each column a name of its own.")
    return header


def _named(row: _Record, header: Sequence[str], delimiter: str) -> Row:
    cells = row.cells
    if row.fault:
        return Row(row.line, {}, row.fault, row.begins)
    text = delimiter.join(cells)
    begins = text[:_SHOWN].encode(errors="replace").decode()
    if not _is_text(text):
        return Row(row.line, {}, not_utf8(row.line), begins)
    if len(cells) != len(header):
        fault = f"It has {len(cells)} fields; the first line has {len(header)}."
        return Row(row.line, {}, fault, begins)
    return Row(row.line, dict(zip(header, cells, strict=True)), typed=False)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
