"""What makes calls of the rows of a file: a mapping that fits it, or the names of its fields."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Protocol, TypeVar

from courtesy.ground.definitions import check, read_yaml
from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events import Rejection
from courtesy.stages.events.archive import Archive, PeopleArchive, holds_calls
from courtesy.stages.events.encoding import Form
from courtesy.stages.events.files import chunks
from courtesy.stages.events.fit import check_fit, standard_mapping
from courtesy.stages.events.mapping import EventMapping, PersonMapping
from courtesy.stages.events.row import Row
from courtesy.stages.events.rows import Mapper

MappingT = TypeVar("MappingT", EventMapping, PersonMapping)


class Reader(Protocol):
    """Makes a call of each row, or a rejection."""

    @property
    def form(self) -> Form:
        """How the text of the files is written."""
        ...

    def notices(self) -> list[str]:
        """What of the rows so far somebody may want to have read otherwise."""
        ...

    def call_of(self, row: Row) -> bytes | Rejection:
        """The call as JSON, or why there is none."""
        ...


def mapped(kind: type[MappingT], mapping: Path, files: Sequence[Path], now: datetime) -> Reader:
    """A reader that goes by a mapping.

    Raises:
        DataError: the mapping cannot be read.
        DefinitionError: it is not valid.
        MappingError: it names a column that is in none of the files.
    """
    document = read_yaml(str(mapping), _text(mapping))
    found = check(kind, document)
    check_fit(found, document, chain.from_iterable(chunks(file, form=found.form) for file in files))
    return Mapper(found, now)


def standard(kind: type[MappingT], file: Path, now: datetime) -> Reader:
    """A reader of calls, or of rows whose columns have the names of the API's fields.

    Raises:
        DataError: the file cannot be read.
        MappingError: the columns that are needed are not there.
    """
    rows = _first_rows(file)
    if not rows or holds_calls(rows):
        return Archive(now) if issubclass(kind, EventMapping) else PeopleArchive(now)
    return Mapper(standard_mapping(kind, rows, str(file)), now)


def _first_rows(file: Path) -> list[Row]:
    """The first rows that could be read; none where there are none."""
    read = ([row for row in chunk.rows if not row.fault] for chunk in chunks(file))
    return next(filter(None, read), [])


def _text(mapping: Path) -> str:
    try:
        return mapping.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{error.strerror}.", place=str(mapping)) from None
    except UnicodeDecodeError:
        raise DataError("It is not UTF-8.", place=str(mapping)) from None
