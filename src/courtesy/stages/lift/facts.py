"""What a person's events come to, in DuckDB's dialect: one SQL expression for each fact.

They stand where ``u`` is the person (``exposed_at``, ``entry``) and ``h`` an event of theirs
(``event``, ``occurred_at``, ``properties``), grouped by person.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.rules import Did
from courtesy.ground.rules.literals import double, interval, json_path, literal
from courtesy.ground.rules.model import Where
from courtesy.ground.rules.values import holds, property_value, same
from courtesy.stages.lift.model import CONVERSION, COUNT, SUM, TIME, Metric

_LARGEST = "1e60"
_NOTHING = timedelta(0)
_DAY = timedelta(days=1)
_DAY_MICROSECONDS = "8.64e10"


def outcome(metric: Metric) -> str:
    """The metric of one person, a DOUBLE that is never null.

    Raises:
        DefinitionError: the metric does not fit together.
    """
    tests = [_from(metric.after), *_until(metric.within)]
    return _value(metric, _NOTHING, metric.within, tests)


def covariate(metric: Metric, history: timedelta) -> str:
    """The same metric over the time of ``history`` before the exposure."""
    tests = [_from(-history), "h.occurred_at < u.exposed_at"]
    return _value(metric, -history, history, tests)


def before(metric: Metric) -> str:
    """Whether a conversion happened before the exposure, in as long a time as after it, or ever."""
    tests = ["h.occurred_at < u.exposed_at"]
    tests += [] if metric.within is None else [_from(metric.after - metric.within)]
    return _value(metric, _NOTHING, metric.within, tests)


def received(did: Did, within: timedelta) -> str:
    """1 where the event happened ``within`` the exposure (zero: until now), else 0."""
    tests = [_from(_NOTHING), *_until(within or None), *happened((did.event,), did.where)]
    return f"MAX(CASE WHEN {' AND '.join(tests)} THEN 1e0 ELSE 0e0 END)"


def happened(events: Sequence[str], where: Sequence[Where]) -> Iterator[str]:
    """Conditions that are true of the events meant."""
    yield f"({' OR '.join(f'h.event = {literal(event)}' for event in events)})"
    for one in where:
        yield from _holds(one)


def later(moment: str, length: timedelta) -> str:
    """An instant so much later; or earlier, where the length is negative."""
    if not length:
        return moment
    return f"{moment} {'-' if length < _NOTHING else '+'} {interval(abs(length))}"


def _from(after: timedelta) -> str:
    return f"h.occurred_at >= {later('u.exposed_at', after)}"


def _until(within: timedelta | None) -> Iterator[str]:
    if within is not None:
        yield f"h.occurred_at < {later('u.exposed_at', within)}"


def _value(metric: Metric, start: timedelta, length: timedelta | None, tests: list[str]) -> str:
    found = " AND ".join([*tests, *happened(metric.events, metric.where)])
    if metric.kind == TIME:
        return _days(metric, start, length, found)
    each = {CONVERSION: "1", COUNT: "1", SUM: _property(metric)}.get(metric.kind)
    if each is None:
        kinds = f"{CONVERSION}, {COUNT}, {SUM} or {TIME}"
        raise DefinitionError(f"Its kind is {kinds}; found {metric.kind!r}.", place=metric.name)
    total = f"CAST(SUM(CASE WHEN {found} THEN {each} ELSE 0 END) AS DOUBLE)"
    if metric.kind == CONVERSION:
        return f"CAST({total} >= {metric.at_least} AS DOUBLE)"
    return total if metric.cap is None else f"LEAST({total}, {double(metric.cap)})"


def _days(metric: Metric, start: timedelta, length: timedelta | None, found: str) -> str:
    """Days from the start until the first event, and the whole length where there is none."""
    if length is None:
        raise DefinitionError("A time needs within, its longest value.", place=metric.name)
    since = later("u.exposed_at", start)
    first = f"MIN(CASE WHEN {found} THEN DATE_DIFF('microsecond', {since}, h.occurred_at) END)"
    return f"COALESCE({first} / {_DAY_MICROSECONDS}, {double(length / _DAY)})"


def _holds(where: Where) -> Iterator[str]:
    found = property_value("h.properties", where.property)
    yield from (holds(found, comparison) for comparison in where.comparisons)
    if where.same_as:
        yield same(found, property_value("u.entry", where.same_as))


def _property(metric: Metric) -> str:
    if metric.kind == SUM and not metric.property:
        raise DefinitionError("A sum needs the property that it adds up.", place=metric.name)
    path = json_path((metric.property or "").split("."))
    number = f"TRY_CAST((h.properties ->> {path}) AS DOUBLE)"
    return f"CASE WHEN ABS({number}) < {_LARGEST} THEN {number} ELSE 0 END"
