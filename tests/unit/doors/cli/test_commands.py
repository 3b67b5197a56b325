"""The list of commands, which is shown without loading them."""

import subprocess
import sys

import pytest

from courtesy.doors.cli.commands import COMMANDS, load

_HEAVY = ("alembic", "duckdb", "fastapi", "liquid", "polars", "scipy", "sqlalchemy")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_line_of_its_own_help(name: str) -> None:
    command = load(name)
    assert command.name == name
    assert command.help.partition("\n")[0] == COMMANDS[name][1]


def test_help_loads_nothing_that_only_commands_need() -> None:
    asked = "import sys, courtesy.doors.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint(_HEAVY)
