"""Definitions: read from a folder, checked together, compared with what is in force, applied.

A workspace folder holds ``policy.yaml``, ``audiences/*.yaml``, ``metrics/*.yaml``,
``experiments/*.yaml``, ``journeys/*.yaml`` and ``templates/NAME.mjml`` (or ``.html``), with
``templates/NAME.txt`` for a text part of its own.
"""

from courtesy.workspace.force import apply, in_force, plan, read_checked, versions_of
from courtesy.workspace.model import Change, Notice, Workspace
from courtesy.workspace.notices import Seen, find_notices

__all__ = [
    "Change",
    "Notice",
    "Seen",
    "Workspace",
    "apply",
    "find_notices",
    "in_force",
    "plan",
    "read_checked",
    "versions_of",
]
