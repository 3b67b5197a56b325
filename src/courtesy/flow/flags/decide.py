"""Flags: the arm of an experiment, asked for from outside for one person.

A flag is an experiment of the workspace's folder that no journey tests and that others did not run
(``observed``): what a journey tests is shown by the journey, and nowhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.flags.participation import Attributes, decide, flags_of, told_of
from courtesy.flow.flags.viewed import VIEWED
from courtesy.flow.trigger import Turn
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import NotFoundError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import Accepted, Collected
from courtesy.stages.events.collect import batch_text
from courtesy.stages.experiments import Experiment
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.messages.returns import SOURCE
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.model import ANONYMOUS, USER


@dataclass(frozen=True)
class Who:
    """Whom a flag is asked for, as clients call them; at least one id is set.

    ``attributes``: what the client says of them, as JSON by name: traits for this answer alone.
    """

    user_id: str | None
    anonymous_id: str | None = None
    attributes: Attributes = ()


@dataclass(frozen=True)
class Question:
    """Which flag is asked for, and for whom."""

    key: str
    who: Who


@dataclass(frozen=True)
class Flag:
    """What a flag answers: the ``arm``, and its ``value`` (None leaves it to the code that asks).

    ``reason`` is one of OpenFeature's; ``takes_part`` is whether the answer, once seen, counts.
    """

    key: str
    arm: str
    value: Any
    reason: str
    takes_part: bool


_Asked = tuple[str, str, Attributes]
Answer = tuple[Flag, Accepted | None]
"""What a flag answers, and the view of it to put into the inbox; None where it does not count, or
where the person was exposed before."""


def flag(app: App, key: str, who: Who) -> Answer:
    """Decide one flag for one person.

    Raises:
        NotFoundError: there is no such flag.
    """
    (answer,) = answers(app, [Question(key, who)])
    if isinstance(answer, NotFoundError):
        raise answer
    return answer


def answers(app: App, questions: Sequence[Question]) -> list[Answer | NotFoundError]:
    """Decide many at once: they share one look at the ledger, and cost little more than one.

    Returns:
        What ``flag`` returns or raises for each question, in their order.
    """
    now = app.clock.now()
    with app.ledger.read() as transaction:
        turn = Turn(app, transaction, workspace.in_force(transaction), now)
        tried = flags_of(turn.definitions)
        called = [found(transaction, one.who) for one in questions]
        asked = [
            (one.key, who[1], told_of(tried.get(one.key), one.who.attributes))
            for one, who in zip(questions, called, strict=True)
        ]
        rows = _rows(turn, tried, asked)
    return [
        _answer(tried[one[0]], rows[one], named, now)
        if one[0] in tried
        else _unknown(one[0], tried)
        for one, (named, _) in zip(asked, called, strict=True)
    ]


def flags(app: App, who: Who) -> list[Flag]:
    """Decide every flag for one person, in order of their names; nothing of it is an exposure."""
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        tried = flags_of(definitions)
        turn = Turn(app, transaction, definitions, app.clock.now())
        _, person_id = found(transaction, who)
        people, standings = _people([person_id]), experiments_store.standings(transaction)
        decided = decide(turn, tried.values(), people, standings, who.attributes)
        decided = decided.sort("experiment")
    return [_flag(tried[row["experiment"]], row) for row in decided.iter_rows(named=True)]


def found(transaction: Transaction, who: Who) -> tuple[Who, str]:
    """What to call them, and their person: the one that ``identify`` gives to their events.

    A lone ``user_id`` that is known as an ``anonymous_id`` only is taken as that. The id of
    somebody unknown is the one that they will have, so that the arm stays when their events come.
    """
    user = _called(transaction, USER, who.user_id)
    nameless = _called(transaction, ANONYMOUS, who.anonymous_id)
    if who.anonymous_id is None and user is None:
        nameless = _called(transaction, ANONYMOUS, who.user_id)
        who = replace(who, user_id=None, anonymous_id=who.user_id) if nameless else who
    if user:
        return who, user[0]
    if nameless and not (who.user_id and nameless[1]):
        return who, nameless[0]
    return who, digest(USER, who.user_id) if who.user_id else digest(
        ANONYMOUS, f"{who.anonymous_id}"
    )


def _called(transaction: Transaction, kind: str, value: str | None) -> tuple[str, bool] | None:
    return profiles_store.called(transaction, kind, value) if value else None


def _rows(
    turn: Turn, tried: Mapping[str, Experiment], asked: Iterable[_Asked]
) -> dict[_Asked, dict[str, Any]]:
    """What is decided for each flag and person, each flag for all with the same attributes."""
    people: dict[tuple[str, Attributes], set[str]] = {}
    for key, person_id, attributes in asked:
        if key in tried:
            people.setdefault((key, attributes), set()).add(person_id)
    standings = experiments_store.standings(turn.transaction)
    found = {}
    for (key, attributes), those in people.items():
        decided = decide(turn, [tried[key]], _people(those), standings, attributes)
        for row in decided.iter_rows(named=True):
            found[key, row["person_id"], attributes] = row
    return found


def _people(ids: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame({"person_id": sorted(ids)})


def _answer(experiment: Experiment, row: Mapping[str, Any], named: Who, now: datetime) -> Answer:
    answer = _flag(experiment, row)
    counts = answer.takes_part and not row["before"]
    return answer, _view(answer, named, row["person_id"], now) if counts else None


def _unknown(key: str, tried: Iterable[str]) -> NotFoundError:
    there = ", ".join(sorted(tried)) or "none"
    return NotFoundError(f"There is no flag {key!r:.60}. There is: {there}.")


def _flag(experiment: Experiment, row: Mapping[str, Any]) -> Flag:
    arm = row["arm"]
    value = experiment.values.get(arm, arm)
    return Flag(experiment.name, arm, value, row["reason"], row["takes_part"])


def _view(flag: Flag, who: Who, person_id: str, now: datetime) -> Accepted:
    """The event of Segment's A/B testing spec; a second one has the id of the first."""
    event = {
        "type": "track",
        "event": VIEWED,
        "userId": who.user_id,
        "anonymousId": who.anonymous_id,
        "messageId": digest(VIEWED, flag.key, person_id, flag.arm),
        "timestamp": now,
        "properties": {
            "experiment_id": flag.key,
            "experiment_name": flag.key,
            "variation_id": flag.arm,
            "variation_name": flag.arm,
        },
    }
    return Accepted(SOURCE, now, Collected(batch_text([msgspec.json.encode(event)]), 1))
