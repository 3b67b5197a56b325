"""What people did, as it stands in the history."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from courtesy.app import App
from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.events import EVENTS, store
from courtesy.stages.profiles import store as profiles_store

events = typer.Typer(help="What people did.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")]

_COUNT = """
SELECT coalesce(event, type) AS name, count(*) AS n FROM events GROUP BY name ORDER BY n DESC, name
"""
_LIST = """
SELECT occurred_at, type, event, properties, source, message_id FROM events
WHERE person_id IN (SELECT person_id FROM asked)
ORDER BY occurred_at DESC, message_id LIMIT
"""


@events.command()
def count(context: typer.Context, *, json: Json = False) -> None:
    """How many events there are, altogether and of each name."""
    with opened(context) as app:
        found = app.engine.query(_COUNT, tables=[EVENTS], frames={})
    names = dict(found.iter_rows())
    said = {"count": sum(names.values()), "by_event": names}
    answer(said, json=json, text=lambda: _table(found.to_dicts()))


@events.command("list")
def list_(
    context: typer.Context,
    person: Annotated[str, typer.Option(help="A user id, an anonymous id or a person_id.")],
    limit: Limit = 50,
    *,
    json: Json = False,
) -> None:
    """What one person did, under whatever id, the newest first."""
    with opened(context) as app:
        found = events_of(app, person, limit)
    answer({"events": found}, json=json, text=lambda: _table(found))


@events.command()
def rejections(context: typer.Context, limit: Limit = 50, *, json: Json = False) -> None:
    """Events that clients sent and that could not be used, with the reasons."""
    with opened(context) as app, app.ledger.read() as transaction:
        found = store.rejections(transaction, limit).to_dicts()
    answer({"rejections": found}, json=json, text=lambda: _table(found))


def events_of(app: App, person: str, limit: int) -> list[dict[str, Any]]:
    """The newest events of the person whom a name means; none where nobody is called so."""
    with app.ledger.read() as transaction:
        try:
            asked = profiles_store.ids_of(transaction, profiles_store.find(transaction, person))
        except NotFoundError:
            return []
    found = app.engine.query(f"{_LIST} {limit}", tables=[EVENTS], frames={"asked": asked})
    return found.to_dicts()


def _table(rows: Sequence[Mapping[str, Any]]) -> Table | str:
    if not rows:
        return "None."
    table = Table()
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    return table


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
