"""Outside data as one relation of the embedded engine: CSV, also compressed, and Parquet."""

import gzip
import lzma
import shutil
import tempfile
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
        raise DataError("There is no such file.", place=str(path))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = '{_quoted(folder)}'")
        try:
            relation = _relation(connection, _plain(path, Path(folder)), path)
            relation.create_view("data")
        except (duckdb.Error, OSError, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
            raise DataError(_reason(error), place=str(path)) from None
        yield Source(str(path), connection, relation.columns)


def _relation(
    connection: duckdb.DuckDBPyConnection, plain: Path, path: Path
) -> duckdb.DuckDBPyRelation:
    if plain.suffix == ".parquet":
        return connection.read_parquet(str(plain))
    return connection.read_csv(
        str(plain), header=True, all_varchar=True, sep=_delimiter(path), quotechar='"'
    )


def _plain(path: Path, folder: Path) -> Path:
    """The file itself, or what is inside where the engine cannot unpack it."""
    if path.suffix != ".xz":
        return path
    unpacked = folder / path.stem
    with lzma.open(path) as packed, unpacked.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return unpacked


def _delimiter(path: Path) -> str:
    with _reader(path) as file:
        header = file.readline().decode("utf-8", errors="replace")
    if not header.strip():
        raise DataError(
            "The file is empty; its first line should name the columns.", place=path.name
        )
    return max(_DELIMITERS, key=header.count)


def _reader(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    if path.suffix == ".xz":
        return lzma.open(path)
    return zstandard.open(path) if path.suffix == ".zst" else path.open("rb")


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = " ".join(lines[:2]) if lines and "CSV Error" in lines[0] else lines[0] if lines else ""
    return first.partition("Error: ")[2] or first or "It cannot be read."
