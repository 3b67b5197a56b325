"""Pausing a journey, letting it run again, and stopping it; each is one transaction."""

from dataclasses import dataclass
from typing import Any

from courtesy import workspace
from courtesy.app import App
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import InputError, NotFoundError
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.journeys.model import PAUSED, RUNNING, STOPPED
from courtesy.stages.messages.outbox import store as outbox_store
from courtesy.workspace.standing import standing


@dataclass(frozen=True)
class Halted:
    """What became of a journey: its state, and how many people and waiting messages it concerns."""

    journey: str
    state: str
    people: int
    messages: int


def pause_journey(app: App, name: str, changed_by: str = "") -> Halted:
    """Let nobody enter or move on, and keep waiting messages in; waits and expiry run on.

    Raises:
        NotFoundError: there is no such journey.
    """
    with app.ledger.write() as transaction:
        people = _inside(transaction, name)
        journeys_store.put_state(transaction, name, PAUSED, app.clock.now(), changed_by)
        return Halted(name, PAUSED, people, outbox_store.pause(transaction, name))


def resume_journey(app: App, name: str, changed_by: str = "") -> Halted:
    """Let a paused or stopped journey run again; who was due meanwhile moves on at once.

    Raises:
        NotFoundError: there is no such journey.
    """
    with app.ledger.write() as transaction:
        people = _inside(transaction, name)
        journeys_store.put_state(transaction, name, None, app.clock.now(), changed_by)
        return Halted(name, RUNNING, people, outbox_store.resume(transaction, name))


def stop_journey(app: App, name: str, changed_by: str = "", *, dry: bool = False) -> Halted:
    """Close a journey: who is inside leaves as ``stopped``, waiting messages are ``recalled``.

    What is at a provider already cannot be recalled. ``dry`` only counts.

    Raises:
        NotFoundError: there is no such journey.
        InputError: a pilot runs in it.
    """
    with app.ledger.write() as transaction:
        people = _inside(transaction, name)
        _check_pilots(transaction, name)
        if dry:
            waiting = outbox_store.waiting_by_journey(transaction).get(name, 0)
            return Halted(name, STOPPED, people, waiting)
        now = app.clock.now()
        journeys_store.put_state(transaction, name, STOPPED, now, changed_by)
        people = journeys_store.stop(transaction, name, now)
        return Halted(name, STOPPED, people, outbox_store.recall(transaction, name))


def describe_journey(transaction: Transaction, name: str) -> dict[str, Any]:
    """A journey that is in force, or that somebody is in: its state, and who stands where.

    Raises:
        NotFoundError: there is no such journey.
    """
    definitions = workspace.in_force(transaction)
    people = _inside(transaction, name)
    there = standing(transaction, definitions).get(name)
    return {
        "journey": name,
        "version": definitions.numbers.get(name),
        "state": journeys_store.states(transaction).get(name, RUNNING),
        "people": people,
        "steps": dict(there.steps) if there else {},
        "waiting_messages": there.messages if there else 0,
        "changes": journeys_store.changes(transaction, name),
    }


def stop_all(app: App) -> tuple[int, int]:
    """End every passage and recall every waiting message; journeys stay as they are.

    Returns:
        How many people left, and how many messages were recalled.
    """
    with app.ledger.write() as transaction:
        names = {row["journey"] for row in journeys_store.standing_at(transaction)}
        names |= outbox_store.waiting_by_journey(transaction).keys()
        now = app.clock.now()
        people = sum(journeys_store.stop(transaction, name, now) for name in sorted(names))
        return people, sum(outbox_store.recall(transaction, name) for name in sorted(names))


def hold_back(transaction: Transaction) -> None:
    """Pause and recall what came back to the queue of journeys that were halted meanwhile.

    A message that was at a provider then may be deferred, given back by a worker or repeated.
    """
    for name, state in journeys_store.states(transaction).items():
        if state == PAUSED:
            outbox_store.pause(transaction, name)
        else:
            outbox_store.recall(transaction, name)


def _inside(transaction: Transaction, name: str) -> int:
    """How many people are in a journey that is in force, or that somebody is still in."""
    rows = journeys_store.standing_at(transaction)
    known = {*workspace.in_force(transaction).journeys, *(row["journey"] for row in rows)}
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise NotFoundError(f"There is no journey {name!r:.80}. There is: {there}.")
    return sum(int(row["people"]) for row in rows if row["journey"] == name)


def _check_pilots(transaction: Transaction, name: str) -> None:
    versions = workspace.in_force(transaction).versions.items()
    tested = {test for (one, _), journey in versions if one == name for test in journey.tested}
    standings = experiments_store.standings(transaction)
    for pilot in sorted(tested & standings.keys()):
        if standings[pilot].stopped_at is None:
            detail = (
                f"The pilot {pilot} runs in it; end it first: courtesy experiments stop {pilot}."
            )
            raise InputError(detail, place=name)
