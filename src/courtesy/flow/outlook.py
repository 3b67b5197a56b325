"""What a folder would meet in this home, before it is applied."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules.literals import literal
from courtesy.stages.events import EVENTS
from courtesy.stages.journeys import Journey
from courtesy.stages.messages.render import KNOWN_VARIABLES
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Notice, Seen, Workspace
from courtesy.workspace.notices import variables_of
from courtesy.workspace.standing import templates_of

_EVENTS = "SELECT event, count(*) AS n FROM events WHERE event IS NOT NULL GROUP BY event"
_LAST = """
SELECT person_id, properties FROM events WHERE event = {event}
ORDER BY occurred_at DESC, message_id LIMIT {people}"""
_SAMPLE = 1_000
_PEOPLE = 200
_FEW = 0.01
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def notices_of(app: App, transaction: Transaction, folder: Path) -> list[Notice]:
    """What is worth a look in a folder, by all that occurred in this home.

    Names that never occurred and resemble ones that did; steps that nobody can come to; variables
    of templates that would be empty for more than 1 % of 200 people whom the journey would reach.

    Raises:
        DefinitionError: a definition in the folder is not valid.
    """
    sources, wanted = workspace.read_checked(folder)
    seen = _seen(app, transaction, wanted)
    return [*workspace.find_notices(sources, wanted, seen), *_empty(app, transaction, wanted)]


def _seen(app: App, transaction: Transaction, wanted: Workspace) -> Seen:
    events = dict(app.engine.query(_EVENTS, tables=[EVENTS], frames={}).iter_rows())
    topics = profiles_store.topics(transaction)
    if wanted.policy:
        topics = {**dict.fromkeys(wanted.policy.service_topics, 0), **topics}
    properties = {event: _properties(app, event) for event in sorted(events)[:_SAMPLE]}
    return Seen(events, profiles_store.trait_names(transaction), topics, properties)


def _properties(app: App, event: str) -> Mapping[str, int]:
    rows = _last(app, event, _SAMPLE)["properties"]
    return Counter(name for text in rows for name in _decode(text))


def _last(app: App, event: str, people: int) -> pl.DataFrame:
    sql = _LAST.format(event=literal(event), people=people)
    return app.engine.query(sql, tables=[EVENTS], frames={})


def _empty(app: App, transaction: Transaction, wanted: Workspace) -> list[Notice]:
    """Variables that would be empty for people of each journey that begins with an event."""
    found = []
    for name, journey in wanted.journeys.items():
        facts = _facts(app, transaction, journey)
        for template in sorted(templates_of(journey) & wanted.templates.keys()) if facts else ():
            for path in sorted(set(variables_of(wanted.templates[template]))):
                lacking = sum(_is_empty(one, path) for one in facts)
                if path[0] not in _OURS and lacking > _FEW * len(facts):
                    spelled = ".".join(path)
                    detail = f"{{{{ {spelled} }}}} is empty for {lacking} of {len(facts)} people."
                    found.append(Notice(f"templates/{template} (in {name})", detail))
    return found


_OURS = KNOWN_VARIABLES - {"event", "person"}


def _facts(app: App, transaction: Transaction, journey: Journey) -> Sequence[Mapping[str, Any]]:
    if journey.entry.event is None:
        return []
    last = _last(app, journey.entry.event, _PEOPLE)
    last = profiles_store.current(transaction, last)
    traits = profiles_store.traits_of_people(transaction, last.select("person_id"))
    return [
        {**traits.get(person, {}), "person": traits.get(person, {}), "event": _decode(properties)}
        for person, properties in last.select("person_id", "properties").iter_rows()
    ]


def _is_empty(facts: Mapping[str, Any], path: Iterable[str]) -> bool:
    found: Any = facts
    for part in path:
        if isinstance(found, list):
            found = found[int(part)] if part.isdigit() and int(part) < len(found) else None
        elif isinstance(found, Mapping):
            found = found.get(part)
        elif part in {"size", "first", "last"}:
            return found is None
        else:
            return True
    return found is None or found == ""
