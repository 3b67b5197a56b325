"""What conditions need to know about people: few grouped passes, each distinct fact once.

``facts`` has one row for each row of ``given`` and one column for each fact. Facts about events
come from one pass over ``history`` for each person; only those that depend on the subject itself
(since when, by which event) take a second one, for each subject.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from courtesy.ground.rules.literals import interval, listed, literal, timestamp
from courtesy.ground.rules.model import Consented, Did, Member, Reachable, Sequence, Trait, Where
from courtesy.ground.rules.passes import Pass
from courtesy.ground.rules.values import holds, property_value, same

_OF_SUBJECTS = "given JOIN history ON history.person_id = given.person_id"
_SINCE_ENTRY = (
    "history.occurred_at >= given.since",
    "(given.entry_event_id IS NULL OR history.message_id <> given.entry_event_id)",
    "(given.until IS NULL OR history.occurred_at <= given.until)",
)


class Facts:
    """Gathers facts, then writes the statement that finds them all."""

    def __init__(
        self, now: datetime, *, anchored: bool, everyone: bool = False, history: str = ""
    ) -> None:
        self._now = now
        self._anchored = anchored
        self._everyone = everyone
        self._history = [f"history AS ({history})"] if history else []
        self._people = Pass("person", "history", "history.person_id")
        self._subjects = Pass("subject", _OF_SUBJECTS, "given.subject_id")
        self._traits = Pass("trait", "traits", "traits.person_id")
        self._members = Pass("member", "memberships", "memberships.person_id")
        self._consents = Pass("consent", "consents", "consents.person_id")
        self._reachable = Pass("channel", "reachable", "reachable.person_id")
        self._chains: list[list[str]] = []

    def count(self, did: Did) -> str:
        """How often somebody did it; NULL for never."""
        return self._deed("count(*)", did, did.within, self._pass_of(did))

    def last(self, did: Did) -> str:
        """When somebody did it last."""
        return self._deed("max(history.occurred_at)", did, did.within, self._pass_of(did))

    def reached(self, sequence: Sequence) -> list[str]:
        """When each event of a sequence first followed the one before; NULL from where it broke.

        Taking the earliest event each time finds a sequence wherever there is one.
        """
        chosen = self._pass_of(*sequence.steps)
        aggregates = ["min(history.occurred_at)"]
        aggregates += ["array_agg(history.occurred_at)"] * (len(sequence.steps) - 1)
        chain = [
            self._deed(aggregate, step, sequence.within, chosen)
            for aggregate, step in zip(aggregates, sequence.steps, strict=True)
        ]
        if chain not in self._chains:
            self._chains.append(chain)
        number = self._chains.index(chain)
        return [self._moment(number, step) for step in range(len(chain))]

    def trait(self, trait: Trait) -> str:
        """The JSON value of a trait."""
        self._traits.names.add(trait.name)
        name = literal(trait.name)
        return self._traits.column(f"max(traits.value) FILTER (WHERE traits.name = {name})")

    def member(self, member: Member) -> str:
        """Whether somebody is in an audience; NULL or false where not."""
        return self._members.column(f"bool_or(memberships.audience = {literal(member.audience)})")

    def consent(self, leaf: Consented) -> str:
        """Whether somebody allows a topic on a channel; NULL where nothing is known."""
        topic, channel = literal(leaf.topic), literal(leaf.channel)
        where = f"consents.topic = {topic} AND consents.channel = {channel}"
        return self._consents.column(f"bool_and(consents.granted) FILTER (WHERE {where})")

    def channel(self, leaf: Reachable) -> str:
        """Whether somebody can be reached on a channel; NULL or false where not."""
        return self._reachable.column(f"bool_or(reachable.channel = {literal(leaf.channel)})")

    def statement(self, select: str) -> str:
        """``select`` over ``facts``, with everything that it stands on."""
        used = [one for one in self._passes() if one.columns]
        passes = [one.table(self._kept(one)) for one in used]
        tables = [*self._history, *passes, f"facts AS ({self._joined(used)})"]
        return f"WITH {', '.join(tables)} {select}"

    def _passes(self) -> list[Pass]:
        events = [self._people, self._subjects]
        return [*events, self._traits, self._members, self._consents, self._reachable]

    def _pass_of(self, *dids: Did) -> Pass:
        about_entry = any(where.same_as for did in dids for where in did.where)
        return self._subjects if self._anchored or about_entry else self._people

    def _deed(self, aggregate: str, did: Did, within: timedelta | None, chosen: Pass) -> str:
        chosen.names.add(did.event)
        chosen.lengths.append(within)
        tests = [f"history.event = {literal(did.event)}", *self._window(within)]
        tests += [_property_holds(where) for where in did.where]
        return chosen.column(f"{aggregate} FILTER (WHERE {' AND '.join(tests)})")

    def _window(self, within: timedelta | None) -> list[str]:
        if within is None:
            return []
        if self._anchored:
            return [f"history.occurred_at <= given.since + {interval(within)}"]
        return [f"history.occurred_at >= {timestamp(self._now - within)}"]

    def _kept(self, chosen: Pass) -> list[str]:
        """Which rows of its relation a pass needs."""
        if chosen is self._traits:
            return [f"traits.name IN {listed(sorted(chosen.names))}"]
        if chosen is self._subjects and self._anchored:
            return [*self._happened(chosen), *_SINCE_ENTRY]
        if chosen is self._subjects:
            return [*self._happened(chosen), *self._recent(chosen)]
        if chosen is self._people:
            return [*self._happened(chosen), *self._recent(chosen), *self._asked()]
        return []

    def _happened(self, chosen: Pass) -> list[str]:
        named = f"history.event IN {listed(sorted(chosen.names))}"
        return [named, f"history.occurred_at <= {timestamp(self._now)}"]

    def _recent(self, chosen: Pass) -> list[str]:
        longest = chosen.longest()
        return [f"history.occurred_at >= {timestamp(self._now - longest)}"] if longest else []

    def _asked(self) -> list[str]:
        return [] if self._everyone else ["history.person_id IN (SELECT person_id FROM given)"]

    def _joined(self, used: Iterable[Pass]) -> str:
        columns = [column for one in used for column in one.columns.values()]
        joins = "".join(one.join() for one in used)
        every = ", ".join(["given.subject_id", "given.person_id", *columns])
        text = f"SELECT {every} FROM given{joins}"  # noqa: S608 - our own names
        for step in range(1, max(map(len, self._chains), default=0)):
            later = ", ".join(self._next_moments(step))
            text = f"SELECT *, {later} FROM ({text}) AS step_{step}"  # noqa: S608 - our own names
        return text

    def _next_moments(self, step: int) -> Iterable[str]:
        for number, chain in enumerate(self._chains):
            if step < len(chain):
                before = self._moment(number, step - 1)
                later = f"list_filter({chain[step]}, lambda moment: moment > {before})"
                yield f"list_min({later}) AS {self._moment(number, step)}"

    def _moment(self, number: int, step: int) -> str:
        return f"sequence_{number}_{step}" if step else self._chains[number][0]


def _property_holds(where: Where) -> str:
    found = property_value("history.properties", where.property)
    tests = [holds(found, comparison) for comparison in where.comparisons]
    if where.same_as:
        tests.append(same(found, property_value("given.entry", where.same_as)))
    return " AND ".join(tests)
