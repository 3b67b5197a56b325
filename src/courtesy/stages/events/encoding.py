"""The text of a file: by its byte order mark, by what is told, else UTF-8.

Source: The Unicode Standard, 23.8 (byte order marks).
"""

import codecs
import io
from dataclasses import dataclass
from typing import Any

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_REMEDY = "say encoding: windows-1252 (or another) in the mapping, or save the file as UTF-8"


@dataclass(frozen=True)
class Form:
    """How the text of a file is written, as far as it is told; None where it is to be found out."""

    delimiter: str | None = None
    encoding: str | None = None


def encoding_of(stream: Any, form: Form) -> str:  # noqa: ANN401 - the libraries' file types differ
    """The encoding of what stands at the beginning of a stream that can be peeked into."""
    start = stream.peek(4)[:4]
    return next((name for mark, name in _MARKS if start.startswith(mark)), form.encoding or "utf-8")


def open_text(stream: Any, form: Form) -> io.TextIOWrapper:  # noqa: ANN401 - same
    """The text of a stream without its mark; bytes that are no text are lone surrogates in it."""
    name = encoding_of(stream, form)
    return io.TextIOWrapper(stream, name, errors="surrogateescape", newline="")


def not_utf8(line: int) -> str:
    """What is wrong with a line that is not UTF-8, and what to do."""
    return f"It is not UTF-8 (line {line}): {_REMEDY}."
