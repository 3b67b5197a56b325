"""Whether a mapping fits a file, before anything of it is imported."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from courtesy.ground.definitions import Document
from courtesy.ground.primitives.errors import MappingError
from courtesy.stages.events.files import Chunk
from courtesy.stages.events.mapping import AnyMapping, EventMapping, Need, PersonMapping, needs
from courtesy.stages.events.row import Row
from courtesy.stages.events.values import stands

MappingT = TypeVar("MappingT", EventMapping, PersonMapping)

_PERSON = {"user_id": ["userId", "user_id"], "anonymous_id": ["anonymousId", "anonymous_id"]}
_FIELDS = {
    "event": ["event"],
    "occurred_at": ["timestamp", "originalTimestamp", "occurred_at"],
    "message_id": ["messageId", "message_id"],
}


def check_fit(mapping: AnyMapping, document: Document, chunks: Iterable[Chunk]) -> None:
    """Make sure that every column that a mapping names is in some row of the file.

    Args:
        mapping: what the document says.
        document: where it stands.
        chunks: the file; read no further than to the last column that is looked for.

    Raises:
        MappingError: a column is in no row; names the place in the mapping, and the file's columns.
    """
    missing, columns = needs(mapping), dict[str, None]()
    for chunk in chunks:
        columns |= dict.fromkeys(_columns(chunk.rows))
        missing = [need for need in missing if not _met(need, chunk.rows)]
        if not missing:
            return
    if columns:
        names = " or ".join(missing[0].columns)
        raise MappingError(
            f"There is no column {names}; the file has: {', '.join(columns)}.",
            place=document.place(missing[0].path),
        )


def standard_mapping(kind: type[MappingT], rows: Iterable[Row], file: str) -> MappingT:
    """The mapping of a file whose columns have the names of the API's fields.

    Raises:
        MappingError: the columns that are needed are not there.
    """
    columns = set(_columns(rows))
    person = _standing(_PERSON, columns)
    if not person:
        raise _unnamed([name for names in _PERSON.values() for name in names], columns, file)
    found: dict[str, list[str]] = _standing(_FIELDS, columns)
    for name, field in kind.model_fields.items():
        if field.is_required() and name not in {"person", *found}:
            raise _unnamed(_FIELDS[name], columns, file)
    known = {name: names for name, names in found.items() if name in kind.model_fields}
    return kind.model_validate({"person": person, **known})


def _standing(fields: Mapping[str, list[str]], columns: Collection[str]) -> dict[str, list[str]]:
    there = {name: [one for one in names if one in columns] for name, names in fields.items()}
    return {name: names for name, names in there.items() if names}


def _unnamed(wanted: Collection[str], columns: Collection[str], file: str) -> MappingError:
    found = ", ".join(sorted(columns)) or "none"
    return MappingError(
        f"It has no column {' or '.join(wanted)}; it has: {found}. "
        "Say which columns are meant, with --mapping.",
        place=file,
    )


def _met(need: Need, rows: Iterable[Row]) -> bool:
    return any(stands(row.fields, column) for row in rows for column in need.columns)


def _columns(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield from _names(row.fields)


def _names(fields: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, found in fields.items():
        yield above + name
        if isinstance(found, Mapping):
            yield from _names(found, f"{above}{name}.")
