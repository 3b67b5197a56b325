"""Rows of JSON Lines, CSV and Parquet files, also compressed, in bounded memory.

A row that cannot be read is a row with a fault; a file that cannot be read is a ``DataError``.
"""

import codecs
import gzip
import io
import lzma
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events.collect import mended
from courtesy.stages.events.encoding import Form, encoding_of, not_utf8, open_text
from courtesy.stages.events.row import Row
from courtesy.stages.events.spreadsheet import delimited_rows

CHUNK_ROWS = 5_000
_LONGEST_LINE = 1024 * 1024
_SHOWN = 1_000
_COMPRESSED: Mapping[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".xz": lzma.open,
    ".zst": lambda raw: io.BufferedReader(pa.CompressedInputStream(raw, "zstd")),
}
_BROKEN = (OSError, EOFError, UnicodeError, zlib.error, lzma.LZMAError, pa.ArrowException)
_UNTOLD = Form()
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True)
class Chunk:
    """Some rows in a row, and how many bytes of the file have been read."""

    rows: list[Row]
    read: int


def files_in(path: Path) -> list[Path]:
    """The file itself; of a folder every file below it in order of their names, hidden ones apart.

    Raises:
        DataError: there is no such file, nothing in the folder, or the kind of one is not known.
    """
    if not path.exists():
        raise DataError("There is no such file.", place=str(path))
    if not path.is_dir():
        _reader(path)
        return [path]
    below = sorted(one for one in path.rglob("*") if one.is_file())
    found = [one for one in below if not _hidden(one.relative_to(path))]
    if not found:
        raise DataError("There is no file in this folder.", place=str(path))
    for one in found:
        _reader(one)
    return found


def _hidden(path: Path) -> bool:
    """Whether a name marks what is no data, such as ``.DS_Store`` or ``_SUCCESS``."""
    return any(part.startswith((".", "_")) for part in path.parts)


def chunks(path: Path, size: int = CHUNK_ROWS, form: Form = _UNTOLD) -> Iterator[Chunk]:
    """The rows of a file, ``size`` at a time; its kind is told by its name.

    What is compressed and has no other ending holds JSON Lines, as Segment's archives do.

    Raises:
        DataError: there is no such file, its kind is not known, or it is broken; names the last
            line that could be read.
    """
    reader = _reader(path)
    line = 0
    try:
        with path.open("rb") as raw:
            rows = reader(_unpacked(path, raw), form)
            while some := list(islice(rows, size)):
                line = some[-1].line
                yield Chunk(some, path.stat().st_size if raw.closed else raw.tell())
    except FileNotFoundError:
        raise DataError("There is no such file.", place=str(path)) from None
    except DataError as error:
        raise DataError(error.detail, place=str(path)) from None
    except _BROKEN as error:
        detail = f"It is broken or breaks off: {error}."
        raise DataError(detail, place=f"{path}:{line + 1}") from error


def _reader(path: Path) -> Callable[[Any, Form], Iterator[Row]]:
    kind = _kind(path)
    if kind in _READERS:
        return _READERS[kind]
    if path.suffix.lower() in _COMPRESSED:
        return _unnamed_rows
    raise DataError(_names(), place=str(path))


def _names() -> str:
    known, packed = ", ".join(_READERS), ", ".join(_COMPRESSED)
    return f"Its name should end with {known}, and then perhaps {packed}."


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _unpacked(path: Path, raw: BinaryIO) -> Any:  # noqa: ANN401 - the libraries' file types differ
    unpack = _COMPRESSED.get(path.suffix.lower())
    return unpack(raw) if unpack and not _unpacked_before(raw) else raw


def _unpacked_before(raw: Any) -> bool:  # noqa: ANN401 - same
    """Whether a download was unpacked on its way and kept its name, as browsers do."""
    return bool(_start(raw) == b"{")


def _start(stream: Any) -> bytes:  # noqa: ANN401 - same
    """The first byte after a mark of UTF-8."""
    return bytes(stream.peek(4)[:4].removeprefix(codecs.BOM_UTF8)[:1])


def _unnamed_rows(stream: Any, form: Form) -> Iterator[Row]:  # noqa: ANN401 - same
    if _start(stream) not in {b"{", b""} and encoding_of(stream, form) == "utf-8":
        raise DataError(_names())
    yield from _json_rows(stream, form)


def _json_rows(stream: BinaryIO, form: Form) -> Iterator[Row]:
    for line, text in _lines(_readline(stream, form)):
        if line == 1 and text.lstrip().startswith(b"["):
            raise DataError("It is one JSON list; each line should be an object (jq -c '.[]').")
        if text.strip():
            yield _json_row(line, text)


def _readline(stream: BinaryIO, form: Form) -> Callable[[int], bytes]:
    """What reads the next line in UTF-8, without a mark."""
    name = encoding_of(stream, form)
    if name in {"utf-8", "utf-8-sig"}:
        stream.read(len(codecs.BOM_UTF8) if name == "utf-8-sig" else 0)
        return stream.readline
    text = open_text(stream, form)
    return lambda most: text.readline(most).encode(errors="surrogateescape")


def _lines(readline: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    line = 0
    while text := readline(_LONGEST_LINE):
        line += 1
        yield line, text
        while len(text) == _LONGEST_LINE and not text.endswith(b"\n"):
            text = readline(_LONGEST_LINE)


def _json_row(line: int, text: bytes) -> Row:
    begins = text[:_SHOWN].decode(errors="replace")
    if len(text) == _LONGEST_LINE:
        return Row(line, {}, f"It is longer than {_LONGEST_LINE:,} bytes.", begins)
    try:
        return Row(line, mended(_decode, text))
    except UnicodeDecodeError:
        return Row(line, {}, not_utf8(line), begins)
    except msgspec.ValidationError:
        return Row(line, {}, "It is not a JSON object, or holds a number out of range.", begins)
    except (msgspec.DecodeError, RecursionError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        return Row(line, {}, f"It is not JSON: {why}.", begins)


def _tab_rows(stream: BinaryIO, form: Form) -> Iterator[Row]:
    yield from delimited_rows(stream, replace(form, delimiter=form.delimiter or "\t"))


def _parquet_rows(stream: BinaryIO, _: Form) -> Iterator[Row]:
    with tempfile.TemporaryFile() as seekable:
        if not isinstance(stream, io.BufferedReader) or not stream.seekable():
            shutil.copyfileobj(stream, seekable)
            stream = seekable
        line = 0
        for batch in pq.ParquetFile(stream).iter_batches(batch_size=CHUNK_ROWS):
            for fields in batch.to_pylist():
                line += 1
                yield Row(line, fields)


_READERS: Mapping[str, Callable[[Any, Form], Iterator[Row]]] = {
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".json": _json_rows,
    ".csv": delimited_rows,
    ".tsv": _tab_rows,
    ".parquet": _parquet_rows,
}
