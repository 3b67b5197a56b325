"""The one statement that sums up an experiment's outcomes, in DuckDB's dialect.

It stays within what SQLGlot carries to Spark. Relations: ``exposures`` (experiment, person_id, arm,
exposed_at, entry), ``events`` (the lake's table) and ``merges`` (person_id, into_id).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.rules.literals import interval, json_path, listed, literal, timestamp
from courtesy.ground.rules.model import Where
from courtesy.ground.rules.values import holds, property_value, same
from courtesy.stages.lift.model import CONVERSION, COUNT, SUM, Metric, Ratio
from courtesy.stages.lift.sums import selected

_LARGEST = "1e100"

_STATEMENT = """
WITH units AS (
  SELECT COALESCE(m.into_id, x.person_id) AS person_id, MIN(x.arm) AS arm,
         MIN(x.exposed_at) AS exposed_at, {entry} COUNT(DISTINCT x.arm) AS arms
  FROM exposures AS x LEFT JOIN merges AS m ON m.person_id = x.person_id
  WHERE x.experiment = {experiment} AND x.exposed_at <= {now}
  GROUP BY COALESCE(m.into_id, x.person_id)
),
history AS (
  SELECT COALESCE(m.into_id, e.person_id) AS person_id, e.event, e.occurred_at, e.properties
  FROM events AS e LEFT JOIN merges AS m ON m.person_id = e.person_id
  WHERE e.event IN {events} AND e.occurred_at <= {now}
),
outcomes AS (
  SELECT u.person_id, u.arm, u.exposed_at, {outcomes}
  FROM units AS u LEFT JOIN history AS h ON h.person_id = u.person_id
  WHERE u.arms = 1
  GROUP BY u.person_id, u.arm, u.exposed_at
),
people AS (SELECT *, {complete} FROM outcomes)
SELECT arm, COUNT(*) AS units, {sums},
       (SELECT COUNT(*) FROM units WHERE arms > 1) AS mixed
FROM people GROUP BY arm ORDER BY arm
"""


def statement(
    experiment: str, metrics: Sequence[Metric | Ratio], now: datetime, history: timedelta | None
) -> str:
    """SQL with one row for each arm: ``units``, and the sums of metric i under the name ``m{i}``.

    Args:
        experiment: the name in ``exposures``.
        metrics: what to sum up.
        now: nothing after this instant exists.
        history: how long before the exposure the same metric is a covariate; None for without.

    Raises:
        DefinitionError: a metric does not fit together.
    """
    parts = list(dict.fromkeys(part for metric in metrics for part in _parts(metric)))
    outcomes = [_value(p, _window(p)) + f" AS y{i}" for i, p in enumerate(parts)]
    sums: list[str] = []
    if history:
        outcomes += [_value(p, _before(history)) + f" AS x{i}" for i, p in enumerate(parts)]
    for i, metric in enumerate(metrics):
        numbers = [parts.index(part) for part in _parts(metric)]
        columns = [f"y{n}" for n in numbers] + [f"x{n}" for n in numbers if history]
        sums += selected(f"m{i}", columns, f"complete{i}")
    complete = [f"{_complete(metric, now)} AS complete{i}" for i, metric in enumerate(metrics)]
    return _STATEMENT.format(
        experiment=literal(experiment),
        now=timestamp(now),
        entry="MIN_BY(x.entry, x.exposed_at) AS entry," if needs_entry(metrics) else "",
        events=listed(sorted({part.event for part in parts})),
        outcomes=", ".join(outcomes),
        complete=", ".join(complete),
        sums=", ".join(sums),
    )


def needs_entry(metrics: Sequence[Metric | Ratio]) -> bool:
    """Whether a metric compares with the event by which somebody entered."""
    wheres = [where for metric in metrics for part in _parts(metric) for where in part.where]
    return any(where.same_as for where in wheres)


def pairs(metric: Metric | Ratio, history: timedelta | None) -> tuple[tuple[int, int | None], ...]:
    """Which of the summed columns make up the metric, then its covariates."""
    if isinstance(metric, Ratio):
        return ((0, 1), (2, None), (3, None)) if history else ((0, 1),)
    return ((0, None), (1, None)) if history else ((0, None),)


def _parts(metric: Metric | Ratio) -> tuple[Metric, ...]:
    return (metric.top, metric.bottom) if isinstance(metric, Ratio) else (metric,)


def _complete(metric: Metric | Ratio, now: datetime) -> str:
    """Whether a person's window is over, by the time of exposure alone: alike for every arm."""
    ends = [part.within for part in _parts(metric) if part.within]
    return f"exposed_at + {interval(max(ends))} <= {timestamp(now)}" if ends else "TRUE"


def _window(metric: Metric) -> str:
    start = f"h.occurred_at >= u.exposed_at + {interval(metric.after)}"
    if metric.within is None:
        return start
    return f"{start} AND h.occurred_at < u.exposed_at + {interval(metric.within)}"


def _before(history: timedelta) -> str:
    start = f"h.occurred_at >= u.exposed_at - {interval(history)}"
    return f"{start} AND h.occurred_at < u.exposed_at"


def _value(metric: Metric, window: str) -> str:
    tests = [f"h.event = {literal(metric.event)}", window, *map(_holds, metric.where)]
    each = {CONVERSION: "1", COUNT: "1", SUM: _property(metric)}.get(metric.kind)
    if each is None:
        kinds = f"{CONVERSION}, {COUNT} or {SUM}"
        raise DefinitionError(f"Its kind is {kinds}; found {metric.kind!r}.", place=metric.name)
    total = f"CAST(SUM(CASE WHEN {' AND '.join(tests)} THEN {each} ELSE 0 END) AS DOUBLE)"
    if metric.kind == CONVERSION:
        return f"CAST({total} >= {metric.at_least} AS DOUBLE)"
    return total if metric.cap is None else f"LEAST({total}, {float(metric.cap)!r})"


def _holds(where: Where) -> str:
    found = property_value("h.properties", where.property)
    tests = [holds(found, comparison) for comparison in where.comparisons]
    if where.same_as:
        tests.append(same(found, property_value("u.entry", where.same_as)))
    return " AND ".join(tests)


def _property(metric: Metric) -> str:
    if metric.kind == SUM and not metric.property:
        raise DefinitionError("A sum needs the property that it adds up.", place=metric.name)
    path = json_path((metric.property or "").split("."))
    number = f"TRY_CAST((h.properties ->> {path}) AS DOUBLE)"
    return f"CASE WHEN ABS({number}) < {_LARGEST} THEN {number} ELSE 0 END"
