"""Importing files: rows become calls, and go the way of every other call."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, log_console, opened
from courtesy.flow import absorb
from courtesy.ground.definitions import check, read_yaml
from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events import Accepted, Collected, Rejection, store
from courtesy.stages.events.collect import batch_text
from courtesy.stages.events.files import Chunk, Row, chunks
from courtesy.stages.events.fit import check_fit, standard_mapping
from courtesy.stages.events.mapping import EventMapping, PersonMapping
from courtesy.stages.events.rows import Mapper

imports = typer.Typer(help="Import events and people from files.", no_args_is_help=True)

MappingT = TypeVar("MappingT", EventMapping, PersonMapping)
File = Annotated[Path, typer.Argument(help="JSON Lines, CSV or Parquet; also .gz, .xz, .zst.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="YAML: which columns say who, what and when.")
]


@dataclass
class Imported:
    """What became of the rows of a file."""

    file: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejects_file: str | None = None


@imports.command()
def events(
    context: typer.Context, file: File, mapping: MappingFile = None, *, json: Json = False
) -> None:
    """Import what people did; importing a file again adds nothing."""
    with opened(context) as app:
        result = import_file(app, file, _mapping(EventMapping, mapping, file))
    _report(result, json=json)


@imports.command()
def people(
    context: typer.Context, file: File, mapping: MappingFile = None, *, json: Json = False
) -> None:
    """Import who people are: their traits and consents."""
    with opened(context) as app:
        result = import_file(app, file, _mapping(PersonMapping, mapping, file))
    _report(result, json=json)


def import_file(app: App, file: Path, mapping: EventMapping | PersonMapping) -> Imported:
    """Import every row of a file that can be used; the others go to the rejects file.

    Raises:
        DataError: the file is broken; what stands before the break has been imported.
    """
    importer = _Importer(app, file, mapping)
    with _progress() as progress:
        task = progress.add_task(file.name, total=file.stat().st_size)
        try:
            for chunk in chunks(file):
                importer.take(chunk)
                progress.update(task, completed=chunk.read)
        except DataError as error:
            detail = f"{error.detail} Before that, {importer.result.read:,} rows were imported."
            raise DataError(detail, place=error.place) from None
    return importer.result


class _Importer:
    """Takes chunks of one file in, and counts."""

    def __init__(self, app: App, file: Path, mapping: EventMapping | PersonMapping) -> None:
        self._app = app
        self._source = f"import {file.name}"
        self._mapper = Mapper(mapping, app.clock.now())
        self._rejects = app.home / "rejects" / f"{file.name}.jsonl"
        self._rejects.unlink(missing_ok=True)
        self.result = Imported(str(file))

    def take(self, chunk: Chunk) -> None:
        calls = [(row, self._mapper.call_of(row)) for row in chunk.rows]
        kept = [call for _, call in calls if isinstance(call, bytes)]
        refused = [(row, call) for row, call in calls if isinstance(call, Rejection)]
        self._write(refused)
        self.result.read += len(calls)
        self.result.accepted += len(kept)
        self.result.rejected += len(refused)
        self.result.duplicates += self._absorb(kept) if kept else 0

    def _absorb(self, calls: Sequence[bytes]) -> int:
        collected = Collected(batch_text(calls), len(calls))
        batch = Accepted(self._source, self._app.clock.now(), collected, history=True)
        with self._app.ledger.write() as transaction:
            store.accept(transaction, [batch])
        return absorb(self._app).duplicates

    def _write(self, refused: Sequence[tuple[Row, Rejection]]) -> None:
        if not refused:
            return
        self._rejects.parent.mkdir(exist_ok=True)
        with self._rejects.open("ab") as file:
            file.writelines(_reject_line(row, rejection) for row, rejection in refused)
        self.result.rejects_file = str(self._rejects)


def _reject_line(row: Row, rejection: Rejection) -> bytes:
    said = {"line": row.line, "reason": rejection.reason, "place": rejection.place}
    return msgspec.json.encode({**said, "row": msgspec.Raw(rejection.body.encode())}) + b"\n"


def _mapping(kind: type[MappingT], mapping: Path | None, file: Path) -> MappingT:
    """The mapping to use, once it is known that it fits the file.

    Raises:
        MappingError: it names a column that is not there.
    """
    if mapping is None:
        first = next(chunks(file), Chunk([], 0))
        return standard_mapping(kind, first.rows, str(file))
    document = read_yaml(str(mapping), _text(mapping))
    found = check(kind, document)
    check_fit(found, document, chunks(file))
    return found


def _text(mapping: Path) -> str:
    try:
        return mapping.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{error.strerror}.", place=str(mapping)) from None
    except UnicodeDecodeError:
        raise DataError("It is not UTF-8.", place=str(mapping)) from None


def _progress() -> Progress:
    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*parts, console=log_console)


def _report(result: Imported, *, json: bool) -> None:
    answer(asdict(result), json=json, text=lambda: _sentence(result))


def _sentence(result: Imported) -> str:
    rejects = f" (see {result.rejects_file})" if result.rejects_file else ""
    return (
        f"{result.file}: {result.read:,} rows read, {result.accepted:,} accepted, "
        f"of these {result.duplicates:,} seen before; {result.rejected:,} rejected{rejects}"
    )
