"""``courtesy init``: a home."""

import typer

from courtesy.app import make_home
from courtesy.doors.cli.frame import Json, answer, home_of


def init(context: typer.Context, json: Json = False) -> None:
    """Make a home, or bring one to the newest version."""
    home = home_of(context)
    make_home(home)
    answer({"home": str(home)}, json=json, text=lambda: f"Home: {home}")
