"""One person's story, put together from all that is kept of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from courtesy.app import App
from courtesy.doors.web.model import Moment, Story
from courtesy.doors.web.protagonist import richest
from courtesy.doors.web.words import ENDINGS, MEANINGS
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.zones import UTC_NAME, read_zone, time_zone
from courtesy.stages.events import EVENTS
from courtesy.stages.experiments import HOLDOUT
from courtesy.stages.journeys import Branch, Journey, Trial, Wait
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import Reason, State, store
from courtesy.stages.messages.policy import CHANNELS
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Workspace

_LONGEST = 70
_TRAITS = 6
_AN_HOUR = 3600
_EVENTS = """
SELECT event, type, occurred_at, properties FROM events
WHERE person_id IN (SELECT person_id FROM asked)
  AND event IS DISTINCT FROM 'Email Sent' -- the ledger tells more of what was sent
ORDER BY occurred_at, event = 'Email Link Clicked', message_id
"""
_TOLD = ("name", "product", "came_by", "topic")
_TITLES = {"identify": "Is identified", "group": "Joins a group", "alias": "Is known by another id"}
_object = msgspec.json.Decoder(dict[str, Any]).decode


def story(
    app: App, transaction: Transaction, definitions: Workspace, name: str | None
) -> Story | None:
    """The story of the person called ``name``, or of who has most to tell; None for nobody.

    Raises:
        NotFoundError: nobody is called so.
    """
    person_id = profiles_store.find(transaction, name) if name else richest(app, transaction)
    if person_id is None:
        return None
    person = profiles_store.person(transaction, person_id, app.clock.now())
    traits = person["traits"]
    zone = read_zone(traits.get("timezone")) or UTC_NAME
    passed = journeys_store.of_person(transaction, person_id)
    moments = [
        *_done(app, transaction, person_id, _goals(definitions)),
        *_entered(passed["enrollments"]),
        *_said(transaction, person_id),
        *_stepped(passed, definitions),
        *_left(passed["enrollments"]),
    ]
    told = _joined(sorted(moments, key=lambda one: one.at), time_zone(zone))
    return Story(
        name=str(traits.get("first_name") or person["identifiers"][0]["value"]),
        person_id=person_id,
        zone=zone,
        traits=_traits(traits),
        allowed=_allowed(person["consents"]),
        moments=tuple(told[:_LONGEST]),
        left_out=max(len(told) - _LONGEST, 0),
    )


def _goals(definitions: Workspace) -> set[str]:
    goals = (journey.goal for journey in definitions.journeys.values())
    return {goal.condition.event for goal in goals if goal is not None}


def _done(app: App, transaction: Transaction, person_id: str, goals: set[str]) -> Iterator[Moment]:
    asked = profiles_store.ids_of(transaction, person_id)
    for row in app.engine.query(_EVENTS, tables=[EVENTS], frames={"asked": asked}).to_dicts():
        title = row["event"] or _TITLES.get(row["type"], row["type"].capitalize())
        kind = "goal" if title in goals else "response"
        yield Moment(row["occurred_at"], kind, title, _told(row))


def _told(row: Mapping[str, Any]) -> str:
    """What an event says about itself, where it uses one of the usual words."""
    if row["type"] == "identify":
        return ""
    said = _object(row["properties"])
    words = [str(said[name]) for name in _TOLD if said.get(name) not in {None, ""}]
    total = said.get("total")
    if isinstance(total, int | float):
        words.append(f"{total:,.2f} {said.get('currency') or ''}".strip())
    return ", ".join(words)


def _entered(enrollments: Sequence[Mapping[str, Any]]) -> Iterator[Moment]:
    for row in enrollments:
        alone = row["arm"] == HOLDOUT
        how = "By chance left alone, to compare with" if alone else "By chance among the treated"
        yield Moment(row["entered_at"], "journey", f"Enters {row['journey']}", how)


def _left(enrollments: Sequence[Mapping[str, Any]]) -> Iterator[Moment]:
    for row in enrollments:
        if row["ended_at"]:
            how = ENDINGS.get(row["reason"], row["reason"])
            yield Moment(row["ended_at"], "journey", f"Leaves {row['journey']}", how)


def _stepped(
    passed: Mapping[str, Sequence[Mapping[str, Any]]], definitions: Workspace
) -> Iterator[Moment]:
    journeys = {
        row["enrollment_id"]: definitions.versions[row["journey"], row["version"]]
        for row in passed["enrollments"]
    }
    for row in passed["passages"]:
        title = _step(journeys[row["enrollment_id"]], row["step"], row["outcome"])
        if title:
            yield Moment(row["passed_at"], "journey", title, f"In {row['journey']}")


def _step(journey: Journey, step: str, outcome: str) -> str:
    node = journey.nodes.get(step)
    if isinstance(node, Wait):
        hours = node.length.total_seconds() / _AN_HOUR
        return f"Waits {hours / 24:g} days" if hours >= 24 else f"Waits {hours:g} hours"  # noqa: PLR2004 - a day
    if isinstance(node, Trial):
        return f"Is in the test {node.experiment}: {outcome}"
    if isinstance(node, Branch):
        number = outcome.removeprefix("branch ")
        return f"Takes way {number} of the branch" if number.isdigit() else "Takes the other way"
    return ""


def _said(transaction: Transaction, person_id: str) -> Iterator[Moment]:
    for row in store.of_person(transaction, person_id):
        what = f"{row['template']} by {row['channel']}"
        if row["sent_at"]:
            yield Moment(row["sent_at"], "message", f"Is sent {what}", _waited(row))
        elif row["reason"]:
            meaning = MEANINGS[Reason(row["reason"])]
            word = "Not sent yet" if row["state"] == State.HELD else "Not sent"
            yield Moment(
                row["created_at"], "refused", f"{word}: {what}", f"{row['reason']}: {meaning}"
            )
        else:
            yield Moment(row["created_at"], "refused", f"Waits to be sent: {what}")


def _waited(row: Mapping[str, Any]) -> str:
    hours = (row["sent_at"] - row["created_at"]).total_seconds() / _AN_HOUR
    return f"For {row['journey']}" + (f", {hours:.0f} hours after it was due" if hours >= 1 else "")


def _joined(moments: Sequence[Moment], zone: tzinfo) -> list[Moment]:
    """Moments in local time; what is done again at once on the same day is counted."""
    told: list[tuple[Moment, int]] = []
    for moment in moments:
        local = moment.at.astimezone(zone)
        here = Moment(local, moment.kind, moment.title, moment.detail)
        if told and _again(told[-1][0], here):
            told[-1] = (told[-1][0], told[-1][1] + 1)
        else:
            told.append((here, 1))
    return [_counted(moment, times) for moment, times in told]


def _again(before: Moment, now: Moment) -> bool:
    same = before.title == now.title and before.kind == now.kind == "response"
    return same and before.at.date() == now.at.date()


def _counted(moment: Moment, times: int) -> Moment:
    if times == 1:
        return moment
    return Moment(moment.at, moment.kind, f"{moment.title}, {times} times", moment.detail)


def _traits(traits: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Some traits; addresses are left out."""
    shown = [
        (name, str(value))
        for name, value in traits.items()
        if name not in {*CHANNELS, "phone"} and not isinstance(value, dict | list)
    ]
    return tuple(shown[:_TRAITS])


def _allowed(consents: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What is allowed after all that was declared."""
    allowed = {(one["topic"], one["channel"]): None for one in consents if one.get("counts")}
    return tuple(f"{topic} by {channel}" for topic, channel in allowed)
