"""Definitions: read from a folder, checked together, compared with what is in force, applied.

A workspace folder holds ``policy.yaml``, ``audiences/*.yaml``, ``journeys/*.yaml`` and
``templates/NAME.mjml`` (or ``.html``), with ``templates/NAME.txt`` for a text part of its own.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePath

from courtesy.ground.definitions import Document, check, read_yaml
from courtesy.ground.definitions import store as definitions
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages import audiences, journeys
from courtesy.stages.audiences import Audience
from courtesy.stages.journeys import Journey, Known
from courtesy.stages.messages import Policy
from courtesy.stages.messages.policy import CHANNELS
from courtesy.stages.messages.template import Template, check_template

_FOLDERS = {"audience": "audiences", "journey": "journeys", "template": "templates"}
_SUFFIXES = {
    "audience": (".yaml", ".yml"),
    "journey": (".yaml", ".yml"),
    "template": (".mjml", ".html", ".txt"),
}
_POLICY = "policy"


@dataclass(frozen=True)
class Source:
    """One definition as text; a template is named with its suffix."""

    kind: str
    name: str
    body: str
    place: str


@dataclass(frozen=True)
class Workspace:
    """Checked definitions; ``versions`` holds every journey version that may have people in it."""

    policy: Policy | None
    audiences: Mapping[str, Audience]
    templates: Mapping[str, Template]
    journeys: Mapping[str, Journey]
    numbers: Mapping[str, int]
    versions: Mapping[tuple[str, int], Journey]


@dataclass(frozen=True)
class Change:
    """What applying would do to one definition; ``difference`` is a unified diff."""

    action: str
    kind: str
    name: str
    version: int
    difference: str


def plan(transaction: Transaction, folder: Path) -> Sequence[Change]:
    """What differs between a folder and what is in force, after checking the whole folder.

    Raises:
        DefinitionError: a definition in the folder is not valid; names file, line and node.
    """
    sources = _read(folder)
    _checked(sources)
    before = {(v.kind, v.name): v for v in definitions.active(transaction)}
    after = {(s.kind, s.name): s for s in sources}
    changes = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old and new and old.body == new.body:
            continue
        action = "change" if old and new else "retire" if old else "add"
        newest = definitions.newest(transaction, *key)
        version = newest if action == "retire" else newest + 1
        text = _difference(key, old.body if old else "", new.body if new else "")
        changes.append(Change(action, *key, version, text))
    return changes


def apply(transaction: Transaction, folder: Path, now: datetime) -> Sequence[Change]:
    """Put a folder in force; returns what ``plan`` would have. People in flight stay on theirs.

    Raises:
        DefinitionError: a definition in the folder is not valid; nothing is applied.
    """
    changes = plan(transaction, folder)
    bodies = {(s.kind, s.name): s.body for s in _read(folder)}
    for change in changes:
        if change.action == "retire":
            definitions.retire(transaction, change.kind, change.name)
        else:
            body = bodies[change.kind, change.name]
            definitions.put(transaction, change.kind, change.name, body, now)
    return changes


def in_force(transaction: Transaction) -> Workspace:
    """The definitions in force, checked; the same object until something is applied."""
    every = tuple(definitions.every(transaction, "journey"))
    return _loaded(tuple(definitions.active(transaction)), every)


@lru_cache(maxsize=8)
def _loaded(
    active: tuple[definitions.Version, ...], every: tuple[definitions.Version, ...]
) -> Workspace:
    sources = [Source(v.kind, v.name, v.body, f"{v.kind} {v.name}") for v in active]
    checked = _checked(sources)
    numbers = {v.name: v.version for v in active if v.kind == "journey"}
    known = Known(_Everything(), _Everything(), CHANNELS)
    versions = {
        (v.name, v.version): journeys.check(read_yaml(f"journey {v.name}", v.body), known)
        for v in every
    }
    return Workspace(
        checked.policy,
        checked.audiences,
        checked.templates,
        checked.journeys,
        numbers,
        versions,
    )


class _Everything(frozenset[str]):
    """Holds whatever is asked: what an older version refers to was there when it was applied."""

    def __contains__(self, name: object) -> bool:
        return True


def _checked(sources: Iterable[Source]) -> Workspace:
    by_kind: dict[str, list[Source]] = {_POLICY: [], **{kind: [] for kind in _FOLDERS}}
    for source in sources:
        by_kind[source.kind].append(source)
    policy = [check(Policy, _document(source)) for source in by_kind[_POLICY]]
    templates = _templates(by_kind["template"])
    groups = audiences.check([_document(source) for source in by_kind["audience"]])
    known = Known(frozenset(templates), frozenset(groups), CHANNELS)
    found = [(s, journeys.check(_document(s), known)) for s in by_kind["journey"]]
    for source, journey in found:
        _same_name(source, journey.name)
    if found and not policy:
        raise DefinitionError("Journeys need a policy.yaml beside them.", place=found[0][0].place)
    named = {journey.name: journey for _, journey in found}
    return Workspace(policy[0] if policy else None, groups, templates, named, {}, {})


def _templates(sources: Iterable[Source]) -> dict[str, Template]:
    by_suffix = {PurePath(source.name): source for source in sources}
    found: dict[str, Template] = {}
    for path, source in by_suffix.items():
        if path.suffix == ".txt":
            continue
        if path.stem in found:
            raise DefinitionError("Two templates have this name.", place=source.place)
        plain = by_suffix.get(path.with_suffix(".txt"))
        found[path.stem] = check_template(
            path.stem, source.place, source.body, plain.body if plain else None
        )
    return found


def _same_name(source: Source, name: str) -> None:
    if name != source.name:
        raise DefinitionError(
            f"A file is called as what it defines: {name}.yaml.", place=source.place
        )


def _document(source: Source) -> Document:
    return read_yaml(source.place, source.body)


def _read(folder: Path) -> list[Source]:
    if not folder.is_dir():
        raise DefinitionError("There is no such folder.", place=str(folder))
    found = []
    if (folder / "policy.yaml").is_file():
        found.append(_source(_POLICY, _POLICY, folder / "policy.yaml", folder))
    for kind, below in _FOLDERS.items():
        for path in sorted((folder / below).glob("*")):
            if path.suffix in _SUFFIXES[kind]:
                name = path.name if kind == "template" else path.stem
                found.append(_source(kind, name, path, folder))
    if not found:
        raise DefinitionError(
            "It holds no policy.yaml, audiences, journeys or templates.", place=str(folder)
        )
    return found


def _source(kind: str, name: str, path: Path, folder: Path) -> Source:
    place = str(path.relative_to(folder))
    try:
        return Source(kind, name, path.read_text(encoding="utf-8"), place)
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{error}.", place=place) from None


def _difference(key: tuple[str, str], old: str, new: str) -> str:
    name = f"{key[0]} {key[1]}"
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} in force", f"{name} in the folder", lineterm=""
    )
    return "\n".join(lines)
