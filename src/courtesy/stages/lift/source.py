"""Outside data as one relation of the embedded engine: CSV, also compressed, and Parquet."""

import codecs
import csv
import gzip
import io
import lzma
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import zstandard

from courtesy.ground.primitives.errors import DataError

_DELIMITERS = ",;\t|"
_MEMORY = "1GB"
_LONGEST = 2_000_000
_UNREADABLE = (
    duckdb.Error,
    OSError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zstandard.ZstdError,
)


@dataclass(frozen=True)
class Source:
    """A file that can be asked; its rows are the relation ``data``."""

    name: str
    connection: duckdb.DuckDBPyConnection
    columns: Sequence[str]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The few rows that ``sql`` yields.

        Raises:
            DataError: the file breaks off or is not what its name says.
        """
        try:
            cursor = self.connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise DataError(_reason(error), place=self.name) from None


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The file, readable until the end of the block, in bounded memory.

    Raises:
        DataError: there is no such file, or it cannot be read as a table.
    """
    if not path.is_file():
        found = (
            "It is a folder; it should be one file." if path.is_dir() else "There is no such file."
        )
        raise DataError(found, place=str(path))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = '{_quoted(folder)}'")
        try:
            relation = _relation(connection, _plain(path, Path(folder)), path)
            relation.create_view("data")
        except _UNREADABLE as error:
            raise DataError(_reason(error), place=str(path)) from None
        yield Source(str(path), connection, relation.columns)


def _relation(
    connection: duckdb.DuckDBPyConnection, plain: Path, path: Path
) -> duckdb.DuckDBPyRelation:
    if _kind(plain) == ".parquet":
        return connection.read_parquet(str(plain), hive_partitioning=False)
    delimiter, names = _header(path)
    return connection.read_csv(
        str(plain),
        auto_detect=False,
        hive_partitioning=False,
        header=True,
        columns=dict.fromkeys(names, "VARCHAR"),
        sep=delimiter,
        quotechar='"',
        escapechar='"',
    )


def _plain(path: Path, folder: Path) -> Path:
    """The file itself, or what is inside where the engine cannot unpack it."""
    if _kind(path) != ".xz":
        return path
    unpacked = folder / path.stem
    with lzma.open(path) as packed, unpacked.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return unpacked


def _header(path: Path) -> tuple[str, list[str]]:
    """What stands between the columns, and their names."""
    start = _start(path)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        text = "\0"
    line = next(iter("".join(text.split('"')[::2]).splitlines()), "")  # what stands in no quotes
    if not line.replace("\t", " ").isprintable():
        raise DataError(
            "Its first line is not UTF-8 text. It should be CSV (also .gz, .xz, .zst) or .parquet.",
            place=str(path),
        )
    delimiter = max(_DELIMITERS, key=line.count)
    found = _record(text, delimiter, path)
    if not any(name.strip() for name in found):
        what = "Its first line" if start else "It"
        raise DataError(
            f"{what} is empty; the first line should name the columns.", place=str(path)
        )
    return delimiter, _names(found, path)


def _record(text: str, delimiter: str, path: Path) -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return next(rows, [])
    except csv.Error:
        raise DataError(
            "Its first line has a quoted name that does not end as it should.", place=str(path)
        ) from None


def _start(path: Path) -> bytes:
    """The first line, or some lines where the name of a column is broken over them."""
    with _reader(path) as file:
        start = file.readline(_LONGEST)
        while start.count(b'"') % 2 and len(start) < _LONGEST:
            more = file.readline(_LONGEST)
            if not more:
                break
            start += more
    return start


def _names(found: Sequence[str], path: Path) -> list[str]:
    """The columns; one without a name, such as of row numbers, is called by its place."""
    names = [name.strip() or f"column {place}" for place, name in enumerate(found, start=1)]
    lower = [name.lower() for name in names]
    often = Counter(lower)
    twice = [name for name, small in zip(names, lower, strict=True) if often[small] > 1]
    if twice:
        more = "" if names.count(twice[0]) > 1 else f", as {twice[1]!r}, which differs only in case"
        raise DataError(f"The column {twice[0]!r} is there twice{more}.", place=f"{path}: row 0")
    return names


def _reader(path: Path) -> IO[bytes]:
    if _kind(path) == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    if _kind(path) == ".xz":
        return lzma.open(path)
    if _kind(path) == ".zst":
        return io.BufferedReader(zstandard.open(path, "rb"))
    return path.open("rb")


def _kind(path: Path) -> str:
    return path.suffix.lower()


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _reason(error: Exception) -> str:
    """What the engine says, without its advice on its own settings."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("state machine" in line for line in lines):
        return "It is not CSV as RFC 4180 has it: do all its lines end in the same way?"
    told = [line for line in lines if not line.startswith("Original Line")]
    shown = " ".join(told[: 2 if "CSV Error" in told[0] else 1]) if told else "It cannot be read."
    return shown.partition("Error: ")[2] or shown
