"""The commands there are, each loaded when it is called: none needs all that the others need."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import structlog
from typer import Typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_command_from_info
from typer.models import CommandInfo

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "Make a home, or bring one to the newest version."),
    "keys": ("keys", "Write keys: who may send events."),
    "import": ("imports", "Import events and people from files."),
    "events": ("events", "What people did."),
    "people": ("people", "Who is known, what they are like and what they allow."),
    "audiences": ("audiences", "Groups of people, and why somebody is in one."),
    "plan": ("definitions", "Check a workspace folder and show what applying it would change."),
    "apply": (
        "definitions",
        "Put a workspace folder in force; people in flight stay on the version they entered.",
    ),
    "preview": (
        "preview",
        "Show a letter as one person would get it; nothing is sent and nothing is counted.",
    ),
    "send-test": (
        "preview",
        "Send a letter as one person would get it to a tester; nothing of it is counted.",
    ),
    "journeys": ("journeys", "Journeys in force, and where people are in them."),
    "experiments": (
        "experiments",
        "Experiments and holdouts: who is in which arm, what was planned, what was learned.",
    ),
    "messages": ("messages", "What was said, and every reason for not saying it."),
    "lift": ("lift", "Did it help? NAME is a journey, an experiment, a program or universal."),
    "serve": (
        "serve",
        "Take events in over HTTP and act on them, until stopped by SIGTERM or Ctrl-C.",
    ),
    "replay": (
        "replay",
        "Run the stored history through the journeys in force, in a home of its own.",
    ),
    "report": (
        "report",
        "Write a page with everything that was said, what was not and why, and whether it helped.",
    ),
    "backup": (
        "home",
        "Keep the whole home, also while it is served. It holds the secret: keep it safe.",
    ),
    "restore": (
        "home",
        "Make the home of a backup, once every byte of it is checked; the home must be a new one.",
    ),
    "repair": (
        "home",
        "Make a ledger and a lake belong together, of which one is older or of another home.",
    ),
    "demo": (
        "demo",
        "Simulate an invented coffee shop, its customers and their mail, and report on it.",
    ),
}
"""Of each command the module beside this one that has it, and the first line of its help."""

_ATTRIBUTES = {"import": "imports", "send-test": "send_test"}  # these are no attributes


class Commands(TyperGroup):
    """A group that lists its commands without loading them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own context
        """The names of the commands, in the order of a first day."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ANN401, ARG002
        """A command as it is listed."""
        found = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=found[1]) if found else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - same
        """The command that is called, loaded."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and load(str(name)), rest


def load(name: str) -> Any:  # noqa: ANN401 - same
    """The command of this name, or the group of them, with all that it needs."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    module = import_module(f"{__package__}.{COMMANDS[name][0]}")
    found = getattr(module, _ATTRIBUTES.get(name, name))
    if isinstance(found, Typer):
        group = get_command(found)
        group.name = name
        return group
    info = CommandInfo(name=name, callback=found)
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode="rich")
