"""The templates that people in flight are written to with: those of their version of a journey."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath

from courtesy.ground.definitions.store import Version
from courtesy.ground.primitives.memory import Memory
from courtesy.stages.messages.template import Template, check_template

_PARSED: Memory[tuple[str, ...], Template] = Memory(most=200)


class PinnedTemplates:
    """Finds the template that a version of a journey calls by a name.

    A journey gets a new version whenever a template changes that it uses, so that the last release
    in which a version was in force says which text it means.

    Args:
        journeys: of each version of a journey the last release in which it was in force.
        templates: all versions of all files of templates.
    """

    def __init__(
        self, journeys: Mapping[tuple[str, int], int], templates: Iterable[Version]
    ) -> None:
        self._journeys = journeys
        self._files: dict[str, list[Version]] = {}
        for version in templates:
            self._files.setdefault(PurePath(version.name).stem, []).append(version)

    def find(self, journey: str, version: int, name: str) -> Template | None:
        """The template; None where there never was one of this name."""
        release = self._journeys.get((journey, version))
        files = self._files.get(name, [])
        then = [one for one in files if release is not None and one.in_force(release)]
        chosen = {PurePath(one.name).suffix: one for one in (then or files)}
        plain = chosen.pop(".txt", None)
        body = next(iter(chosen.values()), None)
        return _parsed(body, plain) if body else None


def _parsed(body: Version, plain: Version | None) -> Template:
    key = (body.name, body.content_hash, plain.content_hash if plain else "")
    found = _PARSED.get(key)
    if found is not None:
        return found
    name, text = PurePath(body.name).stem, plain.body if plain else None
    return _PARSED.keep(key, check_template(name, body.name, body.body, text))
