"""The relation ``people``: what came of each person of an experiment, in DuckDB's dialect.

It stays within what SQLGlot carries to Spark. Relations: ``exposures`` (experiment, person_id, arm,
exposed_at, entry, unit), ``events`` (the lake's table), ``merges`` (person_id, into_id) and, where
people are in segments, ``segments`` (person_id, segment).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from courtesy.ground.rules.literals import listed, literal, timestamp
from courtesy.stages.lift.facts import before, covariate, happened, later, outcome, received
from courtesy.stages.lift.model import CONVERSION
from courtesy.stages.lift.plan import Plan, window

DAY = "day"
SEGMENT = "segment"
UNKNOWN = "unknown"
"""The segment of people of whom none is known."""

_PEOPLE = """
WITH units AS (
  SELECT COALESCE(m.into_id, x.person_id) AS person_id, MIN(x.arm) AS arm,
         MIN(x.exposed_at) AS exposed_at, {columns} COUNT(DISTINCT x.arm) AS arms
  FROM exposures AS x LEFT JOIN merges AS m ON m.person_id = x.person_id
  WHERE x.experiment = {experiment} AND x.exposed_at <= {now}
  GROUP BY COALESCE(m.into_id, x.person_id)
),
history AS (
  SELECT COALESCE(m.into_id, e.person_id) AS person_id, e.event, e.occurred_at, e.properties
  FROM events AS e LEFT JOIN merges AS m ON m.person_id = e.person_id
  WHERE {events} AND e.occurred_at <= {now}
),
begun AS ({begun}),
outcomes AS (
  SELECT {facts}
  FROM begun AS u LEFT JOIN history AS h ON h.person_id = u.person_id
  GROUP BY {kept}
){more},
people AS (SELECT {shown} FROM {joined})"""

_ASSIGNED = "SELECT * FROM units WHERE arms = 1"

_TRIGGERED = """
  SELECT {kept}, MIN(h.occurred_at) AS exposed_at
  FROM units AS u JOIN history AS h ON h.person_id = u.person_id
  WHERE u.arms = 1 AND h.occurred_at >= u.exposed_at AND {trigger}
  GROUP BY {kept}"""

_SEGMENTS = """,
segment_of AS (
  SELECT COALESCE(m.into_id, s.person_id) AS person_id, MIN(s.segment) AS segment
  FROM segments AS s LEFT JOIN merges AS m ON m.person_id = s.person_id
  GROUP BY COALESCE(m.into_id, s.person_id)
)"""


def people(plan: Plan, now: datetime, by: str | None) -> str:
    """The WITH that ends with ``people``: ``arm``, ``unit`` and ``segment`` where they matter.

    Of fact n of the plan: its value ``y{n}`` and its covariate ``x{n}``. Of window j:
    ``complete{j}``, whether it is over, by the time of exposure alone and so alike for every arm;
    ``day{j}``, when it is; ``r{j}``, whether the treatment reached the person within it. Further
    relations: ``units``, with everybody exposed, and ``limits``, where values are winsorised.

    ``outcomes`` also has ``b{n}`` of every conversion n: whether it happened before the exposure.

    Args:
        plan: what is asked.
        now: nothing after this instant exists.
        by: None, ``DAY`` or ``SEGMENT``.

    Raises:
        DefinitionError: a metric does not fit together.
    """
    kept = ", ".join(f"u.{name}" for name in ("person_id", "arm", "exposed_at", *_unit(plan)))
    found = [*_facts(plan), *((f"b{n}", before(plan.facts[n])) for n in conversions(plan))]
    facts = ", ".join([kept, *(f"{fact} AS {name}" for name, fact in found)])
    limits = _limits(plan, now) if any(winsorised(plan)) else ""
    joined = "outcomes AS o" + (" CROSS JOIN limits AS l" if limits else "")
    if by == SEGMENT:
        joined += " LEFT JOIN segment_of AS g ON g.person_id = o.person_id"
    return _PEOPLE.format(
        columns="".join(_columns(plan)),
        experiment=literal(plan.experiment),
        now=timestamp(now),
        events=f"e.event IN {listed(plan.events)}" if plan.events else "FALSE",
        begun=_begun(plan),
        facts=facts,
        kept=kept,
        more=limits + (_SEGMENTS if by == SEGMENT else ""),
        shown=", ".join(_shown(plan, now, by)),
        joined=joined,
    )


def _unit(plan: Plan) -> list[str]:
    return ["unit"] if plan.clustered else []


def _columns(plan: Plan) -> Iterator[str]:
    if plan.needs_entry:
        yield "MIN_BY(x.entry, x.exposed_at) AS entry, "
    if plan.clustered:
        person = "COALESCE(m.into_id, x.person_id)"
        yield f"MIN(CASE WHEN x.unit <> x.person_id THEN x.unit ELSE {person} END) AS unit, "


def _begun(plan: Plan) -> str:
    """Whose outcomes count, and from when on: the exposure, or the trigger."""
    if plan.trigger is None:
        return _ASSIGNED
    entry = ["entry"] if plan.needs_entry else []
    kept = ", ".join(f"u.{name}" for name in ("person_id", "arm", *_unit(plan), *entry))
    tests = happened((plan.trigger.event,), plan.trigger.where)
    return _TRIGGERED.format(kept=kept, trigger=" AND ".join(tests))


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    for n, part in enumerate(plan.facts):
        yield f"y{n}", outcome(part)
        if plan.history:
            yield f"x{n}", covariate(part, plan.history)
    if plan.received:
        yield from ((f"r{j}", received(plan.received, w)) for j, w in enumerate(plan.windows))


def conversions(plan: Plan) -> Iterator[int]:
    """The facts that are yes or no."""
    return (n for n, part in enumerate(plan.facts) if part.kind == CONVERSION)


def winsorised(plan: Plan) -> Iterator[tuple[int, float]]:
    """The facts whose largest values are held back, and the share of values that is left."""
    for n, part in enumerate(plan.facts):
        if part.winsorise is not None:
            yield n, part.winsorise


def _limits(plan: Plan, now: datetime) -> str:
    """The largest value that counts, from everybody in every arm whose time is over."""
    found = []
    for n, share in winsorised(plan):
        over = _complete(window(plan.facts[n]), now, "exposed_at")
        found += [
            f"QUANTILE_CONT(CASE WHEN {over} THEN {kind}{n} END, {share!r}) AS {kind}{n}"
            for kind in ("yx" if plan.history else "y")
        ]
    return f",\nlimits AS (SELECT {', '.join(found)} FROM outcomes)"  # noqa: S608 - numbered names


def _shown(plan: Plan, now: datetime, by: str | None) -> Iterator[str]:
    yield from (f"o.{name}" for name in ("arm", *_unit(plan)))
    if by == SEGMENT:
        yield f"COALESCE(g.segment, {literal(UNKNOWN)}) AS segment"
    held = {f"{kind}{n}" for n, _ in winsorised(plan) for kind in "xy"}
    for name, _ in _facts(plan):
        yield f"LEAST(o.{name}, l.{name}) AS {name}" if name in held else f"o.{name}"
    for j, length in enumerate(plan.windows):
        yield f"{_complete(length, now, 'o.exposed_at')} AS complete{j}"
        if by == DAY:
            yield f"CAST(CAST({later('o.exposed_at', length)} AS DATE) AS VARCHAR) AS day{j}"


def _complete(length: timedelta, now: datetime, exposed_at: str) -> str:
    return f"{later(exposed_at, length)} <= {timestamp(now)}" if length else "TRUE"
