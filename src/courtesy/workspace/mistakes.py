"""All mistakes of a folder at once: the first of each file."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.workspace.check import checked
from courtesy.workspace.model import POLICY, Source, Workspace


def check_whole(sources: Sequence[Source]) -> Workspace:
    """The workspace that the texts define.

    Raises:
        DefinitionError: some are not valid; the first mistake of each file is told. What only fails
            because it refers to a file with a mistake is left for the next time.
    """
    rest, faults = list(sources), list[DefinitionError]()
    faulty: list[Source] = []
    while True:
        try:
            found = checked(rest)
        except DefinitionError as error:
            blamed = [one for one in rest if error.place.startswith(one.place)]
            if not any(_is_behind(one, error) for one in faulty):
                faults.append(error)
            if not blamed:
                break
            faulty += blamed
            rest = [one for one in rest if one not in blamed]
        else:
            if not faults:
                return found
            break
    raise _together(faults)


def _is_behind(source: Source, error: DefinitionError) -> bool:
    """Whether something was only not found because its own file has a mistake."""
    name = re.escape(PurePath(source.name).stem if source.kind == "template" else source.name)
    if source.kind == POLICY and "policy.yaml" in error.detail:
        return True
    return re.search(rf"\bno {source.kind} '?{name}\b", error.detail) is not None


def _together(faults: Sequence[DefinitionError]) -> DefinitionError:
    first, *others = faults
    if not others:
        return first
    lines = "\n".join(f"{one.place}: {one.detail}" for one in faults)
    return DefinitionError(f"{len(faults)} files have mistakes:\n{lines}")
