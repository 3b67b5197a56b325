"""What a folder says that nobody ever did, had or agreed to, and that looks like a slip of the pen.

A name that never occurred in this home is no fault by itself: tomorrow somebody may do it. Where it
resembles one that did occur, it is worth a look before people stand on it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from liquid import BoundTemplate

from courtesy.ground.definitions import Document
from courtesy.ground.definitions.document import Path
from courtesy.stages.journeys import Journey
from courtesy.stages.messages import returns
from courtesy.stages.messages.render import KNOWN_VARIABLES
from courtesy.stages.messages.template import Template
from courtesy.stages.profiles.consent import GRANTED, WITHDRAWALS
from courtesy.workspace.model import Notice, Source, Workspace
from courtesy.workspace.reach import find_reach
from courtesy.workspace.standing import templates_of

_OWN_EVENTS = frozenset(
    {
        *(returns.SENT, returns.OPENED, returns.CLICKED, returns.BOUNCED, returns.UNSUBSCRIBED),
        *(returns.OPENED_BY_MACHINE, returns.CLICKED_BY_MACHINE, GRANTED),
        *("Page Viewed", "Screen Viewed", "Experiment Viewed"),
    }
)
_KINDS = ("audience", "journey", "experiment", "metric")
_CLOSE = 0.75
_NAMES_OF_EVENTS = ("did", "event")


@dataclass(frozen=True)
class Seen:
    """How often events, traits and topics occurred in a home, and properties of each event."""

    events: Mapping[str, int] = field(default_factory=dict)
    traits: Mapping[str, int] = field(default_factory=dict)
    topics: Mapping[str, int] = field(default_factory=dict)
    properties: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def find_notices(sources: Iterable[Source], wanted: Workspace, seen: Seen) -> list[Notice]:
    """What is worth a look in a checked folder.

    Args:
        sources: the texts of the folder.
        wanted: what they define.
        seen: what occurred in the home.
    """
    found: list[Notice] = []
    for source in sources:
        if source.kind in _KINDS:
            document = source.document()
            found += _unheard(document, seen)
            if source.kind == "journey":
                found += find_reach(document, wanted.journeys[source.name], wanted.policy)
    for name, journey in wanted.journeys.items():
        for template in sorted(templates_of(journey) & wanted.templates.keys()):
            found += _variables(f"templates/{template}", name, journey, wanted.templates, seen)
    return list(dict.fromkeys(found))


def _unheard(document: Document, seen: Seen) -> Iterator[Notice]:
    """Names of events, properties, traits and topics that resemble ones that occurred."""
    events = {**dict.fromkeys(_OWN_EVENTS, 0), **seen.events}
    for path, key, value, beside in _pairs(document.data, ()):
        place = document.place((*path, key))
        if key in _NAMES_OF_EVENTS and isinstance(value, str):
            if value.casefold() not in WITHDRAWALS:
                yield from _resembling(place, "event", value, events)
        elif key == "trait" and isinstance(value, str):
            yield from _resembling(place, "trait", value, seen.traits)
        elif key == "topic" and isinstance(value, str):
            yield from _resembling(place, "topic", value, seen.topics)
        elif key == "where" and isinstance(value, dict):
            event = next((beside[name] for name in _NAMES_OF_EVENTS if name in beside), None)
            known = seen.properties.get(event, {}) if isinstance(event, str) else {}
            for name in value:
                where = document.place((*path, key, name))
                yield from _resembling(where, f"property of {event}", str(name), known)


def _pairs(node: object, path: Path) -> Iterator[tuple[Path, str, Any, Mapping[str, Any]]]:
    """Every key of a document with its value, and the mapping that it stands in."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield path, str(key), value, node
            yield from _pairs(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _pairs(value, (*path, index))


def _resembling(place: str, noun: str, name: str, known: Mapping[str, int]) -> Iterator[Notice]:
    if name in known or not known:
        return
    spelled = {one.casefold(): one for one in known}
    close = get_close_matches(name.casefold(), spelled, n=1, cutoff=_CLOSE)
    if close:
        meant = spelled[close[0]]
        times = f", {known[meant]:,} times" if known[meant] else ""
        yield Notice(place, f"The {noun} {name!r} was never seen; did you mean {meant!r}{times}?")


def _variables(
    place: str,
    name: str,
    journey: Journey,
    templates: Mapping[str, Template],
    seen: Seen,
) -> Iterator[Notice]:
    """Variables of a template that resemble a trait or a property that there is."""
    template = templates[place.removeprefix("templates/")]
    properties = seen.properties.get(journey.entry.event or "", {})
    where = f"{place} (in {name})"
    for path in sorted(set(variables_of(template))):
        first, *rest = path
        if first == "event" and rest:
            noun = f"property of {journey.entry.event}"
            yield from _resembling(where, noun, rest[0], properties)
        elif first == "person" and rest:
            yield from _resembling(where, "trait", rest[0], seen.traits)
        elif first not in KNOWN_VARIABLES:
            known = {**dict.fromkeys(KNOWN_VARIABLES, 0), **seen.traits}
            yield from _resembling(where, "variable", first, known)


def variables_of(template: Template) -> Iterator[tuple[str, ...]]:
    """The paths of the variables that a template is filled with, such as ``(event, total)``."""
    for part in (template.subject, template.html, template.text):
        yield from _paths(part)


def _paths(part: BoundTemplate) -> Iterator[tuple[str, ...]]:
    for uses in part.analyze().globals.values():
        for use in uses:
            yield tuple(str(one) for one in use.segments if isinstance(one, str | int))
