"""Conditions in, one DuckDB statement out.

The statement reads these relations:

- ``given(subject_id, person_id, since, entry)``: whom to ask about. ``subject_id`` is unique, a
  person may stand behind several. ``since`` (TIMESTAMPTZ or NULL) is when the subject began,
  ``entry`` (JSON object or NULL) the properties of the event that it began with.
- ``history(person_id, event, occurred_at, properties)``: what happened; ``properties`` is a JSON
  object.
- Of anchored questions ``given`` also has ``entry_event_id`` (VARCHAR or NULL), the event that the
  subject began with, and ``until`` (TIMESTAMPTZ or NULL), after which nothing counts for it; and
  ``history`` has ``message_id``, each event's id.
- ``traits(person_id, name, value)``: ``value`` is JSON.
- ``consents(person_id, topic, channel, granted)``: what is allowed now.
- ``memberships(audience, person_id)`` and ``reachable(person_id, channel)``.
"""

from collections.abc import Mapping
from datetime import datetime

from courtesy.ground.rules.facts import Facts
from courtesy.ground.rules.literals import quoted
from courtesy.ground.rules.model import (
    AllOf,
    AnyOf,
    Condition,
    Consented,
    Did,
    Leaf,
    Member,
    Not,
    Reachable,
    Sequence,
    Trait,
)
from courtesy.ground.rules.values import holds, trait_value


def compile_conditions(
    conditions: Mapping[str, Condition],
    now: datetime,
    *,
    anchored: bool = False,
    everyone: bool = False,
    history: str = "",
) -> str:
    """One SELECT with ``subject_id``, ``person_id`` and a boolean column, never NULL, for each key.

    It yields one row for each row of ``given``. Events after ``now`` are not seen. ``within`` looks
    back from ``now``, both ends included.

    Args:
        conditions: by the name of their column.
        now: the present instant, with a zone.
        anchored: count only events since ``given.since``, without the one that the subject began
            with, which tells them apart where both are of one instant; ``within`` then looks
            forward from ``given.since``.
        everyone: ``given`` holds the whole population, so that looking up in it spares nothing.
        history: a SELECT that yields ``history``, where there is no relation of this name.
    """
    facts = Facts(now, anchored=anchored, everyone=everyone, history=history)
    columns = [f"{truth(one, facts)} AS {quoted(key)}" for key, one in conditions.items()]
    every = ", ".join(["subject_id", "person_id", *columns])
    return facts.statement(f"SELECT {every} FROM facts")  # noqa: S608 - values are escaped literals


def truth(condition: Condition, facts: Facts) -> str:
    """A boolean expression over ``facts``, never NULL."""
    if isinstance(condition, AllOf):
        return f"({' AND '.join(truth(part, facts) for part in condition.parts)})"
    if isinstance(condition, AnyOf):
        return f"({' OR '.join(truth(part, facts) for part in condition.parts)})"
    if isinstance(condition, Not):
        return f"(NOT {truth(condition.part, facts)})"
    return f"({_leaf(condition, facts)})"


def _leaf(leaf: Leaf, facts: Facts) -> str:
    if isinstance(leaf, Did):
        return _did(leaf, facts)
    if isinstance(leaf, Sequence):
        return f"{facts.reached(leaf)[-1]} IS NOT NULL"
    if isinstance(leaf, Trait):
        value = trait_value(facts.trait(leaf))
        return " AND ".join(holds(value, comparison) for comparison in leaf.comparisons)
    return f"coalesce({known(leaf, facts)}, FALSE)"


def known(leaf: Member | Consented | Reachable, facts: Facts) -> str:
    """The fact behind a leaf that is one truth; NULL where nothing is known."""
    if isinstance(leaf, Member):
        return facts.member(leaf)
    return facts.consent(leaf) if isinstance(leaf, Consented) else facts.channel(leaf)


def _did(did: Did, facts: Facts) -> str:
    count = f"coalesce({facts.count(did)}, 0)"
    if did.at_most is None:
        return f"{count} >= {did.at_least}"
    return f"{count} BETWEEN {did.at_least} AND {did.at_most}"
