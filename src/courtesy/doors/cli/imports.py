"""Importing files: rows become calls, and go the way of every other call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, log_console, opened
from courtesy.doors.cli.readers import MappingT, Reader, mapped, standard
from courtesy.doors.cli.rejects import Reason, Reasons, sentences, too_many
from courtesy.flow import Absorbed, absorb
from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events import Accepted, Collected, Rejection, store
from courtesy.stages.events.collect import batch_text
from courtesy.stages.events.files import Chunk, chunks, files_in
from courtesy.stages.events.mapping import EventMapping, PersonMapping
from courtesy.stages.events.row import Row

imports = typer.Typer(help="Import events and people from files.", no_args_is_help=True)

File = Annotated[
    Path,
    typer.Argument(help="JSON Lines, CSV or Parquet, also .gz, .xz, .zst; or a folder of these."),
]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", help="YAML: which columns say who, what and when (docs/imports.md)."),
]


MaxRejects = Annotated[
    str,
    typer.Option(help="Fail where more rows are rejected: a number, or a share of the rows."),
]


@dataclass
class Imported:
    """What became of the rows of a file, or of all files of a folder."""

    file: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    grants_without_effect: int = 0
    rejects_file: str | None = None
    reasons: list[Reason] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@imports.command()
def events(
    context: typer.Context,
    file: File,
    mapping: MappingFile = None,
    max_rejects: MaxRejects = "50%",
    *,
    json: Json = False,
) -> None:
    """Import what people did; importing a file again adds nothing.

    Archives of Segment-style calls, one a line, need no mapping: every kind of call counts.
    """
    too_many(0, 0, max_rejects)  # is said before anything is imported
    with opened(context) as app:
        result = import_file(app, file, EventMapping, mapping)
    _report(result, max_rejects, json=json)


@imports.command()
def people(
    context: typer.Context,
    file: File,
    mapping: MappingFile = None,
    max_rejects: MaxRejects = "50%",
    *,
    json: Json = False,
) -> None:
    """Import who people are: their traits and consents."""
    too_many(0, 0, max_rejects)  # is said before anything is imported
    with opened(context) as app:
        result = import_file(app, file, PersonMapping, mapping)
    _report(result, max_rejects, json=json)


def import_file(
    app: App, path: Path, kind: type[MappingT], mapping: Path | None = None
) -> Imported:
    """Import every row that can be used; the others go to the rejects file.

    Args:
        app: the home to import into.
        path: a file, or a folder of files.
        kind: whether the rows are events or people.
        mapping: what the columns mean; None where they have the names of the API's fields.

    Raises:
        MappingError: the columns do not fit; nothing has been imported of this file.
        DataError: a file is broken; what stands before the break has been imported.
    """
    files, now = files_in(path), app.clock.now()
    told = mapped(kind, mapping, files, now) if mapping else None
    importer = _Importer(app, path)
    with _progress() as progress:
        task = progress.add_task(path.name, total=sum(file.stat().st_size for file in files))
        for file in files:
            reader = told or standard(kind, file, now)
            for read in importer.take_all(file, reader):
                progress.update(task, advance=read)
            importer.keep_notices(reader)
    return importer.result


class _Importer:
    """Takes files in, chunk by chunk, and counts."""

    def __init__(self, app: App, path: Path) -> None:
        self._app = app
        self._whole = path
        name = path.resolve().name
        self._source = f"import {name}"
        self._rejects = app.home / "rejects" / f"{name}.jsonl"
        self._rejects.unlink(missing_ok=True)
        self.result = Imported(str(path))
        self._reasons = Reasons()

    def take_all(self, file: Path, reader: Reader) -> Iterator[int]:
        """Import one file; yields how many more bytes of it have been read."""
        done = 0
        try:
            for chunk in chunks(file, form=reader.form):
                self._take(file, reader, chunk)
                yield chunk.read - done
                done = chunk.read
        except DataError as error:
            detail = f"{error.detail} Before that, {self.result.read:,} rows were imported."
            raise DataError(detail, place=error.place) from None

    def keep_notices(self, reader: Reader) -> None:
        """Keep what a reader has to say about the rows so far."""
        self.result.notices = list(dict.fromkeys([*self.result.notices, *reader.notices()]))

    def _take(self, file: Path, reader: Reader, chunk: Chunk) -> None:
        calls = [(row, reader.call_of(row)) for row in chunk.rows]
        kept = [call for _, call in calls if isinstance(call, bytes)]
        refused = [(row, call) for row, call in calls if isinstance(call, Rejection)]
        self._write(file, refused)
        for row, rejection in refused:
            self._reasons.add(rejection.reason, row.line)
        self.result.reasons = self._reasons.first()
        self.result.read += len(calls)
        self.result.accepted += len(kept)
        self.result.rejected += len(refused)
        if kept:
            absorbed = self._absorb(kept)
            self.result.duplicates += absorbed.duplicates
            self.result.grants_without_effect += absorbed.grants_without_effect

    def _absorb(self, calls: Sequence[bytes]) -> Absorbed:
        collected = Collected(batch_text(calls), len(calls))
        batch = Accepted(self._source, self._app.clock.now(), collected, history=True)
        with self._app.ledger.write() as transaction:
            store.accept(transaction, [batch])
        return absorb(self._app)

    def _write(self, file: Path, refused: Sequence[tuple[Row, Rejection]]) -> None:
        if not refused:
            return
        inside = {} if file == self._whole else {"file": str(file.relative_to(self._whole))}
        self._rejects.parent.mkdir(exist_ok=True)
        with self._rejects.open("ab") as rejects:
            rejects.writelines(_reject_line(inside, row, rejection) for row, rejection in refused)
        self.result.rejects_file = str(self._rejects)


def _reject_line(inside: Mapping[str, str], row: Row, rejection: Rejection) -> bytes:
    said = {**inside, "line": row.line, "reason": rejection.reason, "place": rejection.place}
    return msgspec.json.encode({**said, "row": msgspec.Raw(rejection.body.encode())}) + b"\n"


def _progress() -> Progress:
    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*parts, console=log_console)


def _report(result: Imported, max_rejects: str, *, json: bool) -> None:
    """Answer, and fail where more rows were refused than may be; what was accepted stays."""
    answer(asdict(result), json=json, text=lambda: _sentence(result))
    for line in (*sentences(result.reasons), *result.notices):
        log_console.print(line, soft_wrap=True)
    if too_many(result.rejected, result.read, max_rejects):
        log_console.print(
            f"More rows were rejected than --max-rejects {max_rejects} allows; "
            f"the {result.accepted:,} accepted stay.",
            soft_wrap=True,
        )
        raise typer.Exit(1)


def _sentence(result: Imported) -> str:
    rejects = f" (see {result.rejects_file})" if result.rejects_file else ""
    withdrawn = (
        f"\n{result.grants_without_effect:,} grants of consent have no effect: these people "
        "withdrew, and the file does not say that they agreed later (consents: occurred_at)."
    )
    return (
        f"{result.file}: {result.read:,} rows read, {result.accepted:,} accepted, "
        f"of these {result.duplicates:,} seen before; {result.rejected:,} rejected{rejects}"
        f"{withdrawn if result.grants_without_effect else ''}"
    )
