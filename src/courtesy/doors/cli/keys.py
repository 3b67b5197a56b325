"""Write keys: who may send events."""

import secrets
from typing import Annotated

import typer
from rich.table import Table

from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.stages.events import store

keys = typer.Typer(help="Write keys: who may send events.", no_args_is_help=True)

_KEY_BYTES = 24


@keys.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who will send, such as app or shop.")],
    *,
    json: Json = False,
) -> None:
    """Make a write key for a source, and show it this once; only a digest of it is kept."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    with opened(context) as app, app.ledger.write() as transaction:
        store.add_source(transaction, name, key, app.clock.now())
    said = f"Write key: {key}\nIt is shown only now. Clients send with it to: courtesy serve"
    answer({"source": name, "write_key": key}, json=json, text=lambda: said)


@keys.command("list")
def list_(context: typer.Context, *, json: Json = False) -> None:
    """The sources that may send; their keys cannot be shown again."""
    with opened(context) as app, app.ledger.read() as transaction:
        sources = store.sources(transaction)
    table = Table("source", "created")
    for source in sources:
        table.add_row(source.source, f"{source.created_at:%Y-%m-%d %H:%M}")
    answer({"sources": sources}, json=json, text=lambda: table)


@keys.command()
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The source whose keys are taken back.")],
    *,
    json: Json = False,
) -> None:
    """Take back every write key of a source; a running server refuses them within seconds."""
    with opened(context) as app, app.ledger.write() as transaction:
        count = store.drop_source(transaction, name)
        there = ", ".join(one.source for one in store.sources(transaction)) or "none"
    if not count:
        raise NotFoundError(f"No source is called {name!r:.80}. There is: {there}.")
    said = f"{name}: {count:,} write keys are revoked."
    answer({"source": name, "revoked": count}, json=json, text=lambda: said)
