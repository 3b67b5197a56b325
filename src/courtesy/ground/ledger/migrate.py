"""Bringing the tables of a ledger to the newest version, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from courtesy.ground.primitives.errors import HomeError


def upgrade(connection: Connection, migrations: Path, place: str, revision: str = "head") -> None:
    """Run every migration that this ledger has not seen.

    Args:
        connection: in a transaction, which the caller commits.
        migrations: the folder of the migrations.
        place: what to call the ledger in a complaint.
        revision: the last to run.

    Raises:
        HomeError: a newer Courtesy made it.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise HomeError(f"A newer Courtesy made it: {error}.", place=place) from error
