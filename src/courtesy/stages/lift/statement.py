"""The statements that read an experiment's outcomes, in DuckDB's dialect.

They stay within what SQLGlot carries to Spark, over the relations of ``people``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from courtesy.ground.rules.literals import double
from courtesy.stages.lift.model import Metric, Ratio
from courtesy.stages.lift.people import DAY, SEGMENT, conversions, people, winsorised
from courtesy.stages.lift.plan import Plan, parts, window
from courtesy.stages.lift.sums import names, selected

_SUMS = """{people}{clusters},
summed AS ({summed}),
everyone AS (SELECT arm, COUNT(*) AS exposed FROM units WHERE arms = 1 GROUP BY arm)
SELECT e.arm, e.exposed, {once}, s.*
FROM everyone AS e LEFT JOIN summed AS s ON s.of_arm = e.arm
ORDER BY e.arm, s.of_group"""

_MIXED = "(SELECT COUNT(*) FROM units WHERE arms > 1) AS mixed"
_SPLIT = """(SELECT COUNT(*) FROM (SELECT unit FROM units WHERE arms = 1
             GROUP BY unit HAVING MIN(arm) <> MAX(arm)) AS several) AS split"""

Offsets = Mapping[int, Sequence[float]]
"""Of metric i: what is taken off each person's value, and off each covariate, before summing."""


def summing(
    plan: Plan, now: datetime, by: str | None = None, offsets: Offsets | None = None
) -> str:
    """SQL with one row for each arm and group, and one at least for each arm.

    ``arm``; ``exposed``: everybody in it; ``mixed``: people in several arms; ``split``: clusters in
    several; ``limit{n}``: where fact n was winsorised; ``before{n}``: how many had fact n before;
    ``of_group``: the group, null where it has nobody; ``units``: its people; ``assigned``: people
    or clusters; and the sums of metric i under the name ``m{i}``, with the columns of ``Columns``.
    By day a row has only the metrics whose window is ``of_window``; the others are null.

    Args:
        plan: what to sum up; its quantiles are left out.
        now: nothing after this instant exists.
        by: None, ``DAY`` or ``SEGMENT``.
        offsets: of metrics that lie far from zero; a ratio's counts for each of its denominator.

    Raises:
        DefinitionError: a metric does not fit together.
    """
    less = offsets or {}
    limits = [f"(SELECT y{n} FROM limits) AS limit{n}" for n, _ in winsorised(plan)]  # noqa: S608 - numbered
    limits += [
        f"(SELECT CAST(SUM(b{n}) AS BIGINT) FROM outcomes) AS before{n}"  # noqa: S608 - numbered
        for n in conversions(plan)
    ]
    return _SUMS.format(
        people=people(plan, now, by),
        clusters=_clusters(plan, by, less) if plan.clustered else "",
        summed=_summed(plan, by, less),
        once=", ".join([_MIXED, *([_SPLIT] if plan.clustered else []), *limits]),
    )


def values(plan: Plan, now: datetime) -> str:
    """SQL with the ``arm`` and the ``value`` of the plan's one metric of each complete person."""
    return f"{people(plan, now, None)} SELECT arm, y0 AS value FROM people WHERE complete0"  # noqa: S608 - literals are escaped


def _clusters(plan: Plan, by: str | None, less: Offsets) -> str:
    """The relation ``clusters``: what their people add up to, and how many people that is."""
    key = ["arm", "unit", *([SEGMENT] if by == SEGMENT else [])]
    found = [*key, "COUNT(*) AS people"]
    for j, _ in enumerate(plan.windows):
        found.append(f"CAST(COUNT(CASE WHEN complete{j} THEN 1 END) AS DOUBLE) AS size{j}")
        if by == DAY:
            found.append(f"MAX(CASE WHEN complete{j} THEN day{j} END) AS day{j}")
    every = enumerate(plan.means)
    facts = {(*fact, _number(plan, m)) for i, m in every for fact in _facts(plan, i, less)}
    for name, value, j in sorted(facts):
        found.append(f"SUM(CASE WHEN complete{j} THEN {value} ELSE 0 END) AS {name}_{j}")
    return f",\nclusters AS (SELECT {', '.join(found)} FROM people GROUP BY {', '.join(key)})"  # noqa: S608 - numbered names


def _summed(plan: Plan, by: str | None, less: Offsets) -> str:
    if by == DAY:
        every = range(len(plan.windows))
        return " UNION ALL ".join(_group(plan, f"day{j}", j, less) for j in every)
    return _group(plan, SEGMENT if by == SEGMENT else "''", None, less)


def _group(plan: Plan, group: str, only: int | None, less: Offsets) -> str:
    """Sums of the metrics, or of those whose window has the number ``only``."""
    source, units = ("clusters", "SUM(people)") if plan.clustered else ("people", "COUNT(*)")
    where = ""
    if only is not None:
        where = f" WHERE {_known(plan, only)}"
        units = f"SUM(size{only})" if plan.clustered else units
    number = "NULL" if only is None else str(only)
    found = [f"arm AS of_arm, {group} AS of_group, CAST({number} AS INTEGER) AS of_window"]
    found += [f"CAST({units} AS BIGINT) AS units", "COUNT(*) AS assigned"]
    for i, metric in enumerate(plan.means):
        j = _number(plan, metric)
        columns = _summed_columns(plan, i, less)
        if only in {None, j}:
            found += selected(f"m{i}", columns, _known(plan, j))
        else:
            found += [f"NULL AS {name}" for name in names(f"m{i}", len(columns))]
    key = "arm" if group == "''" else f"arm, {group}"
    return f"SELECT {', '.join(found)} FROM {source}{where} GROUP BY {key}"  # noqa: S608 - numbered names


def _number(plan: Plan, metric: Metric | Ratio) -> int:
    return plan.windows.index(window(metric))


def _known(plan: Plan, j: int) -> str:
    return f"size{j} > 0" if plan.clustered else f"complete{j}"


def _facts(plan: Plan, i: int, less: Offsets) -> Iterator[tuple[str, str]]:
    """A person's columns of metric i, by name: its values, covariates, received."""
    metric, below = plan.means[i], ""
    numbers = [plan.facts.index(part) for part in parts(metric)]
    own, *covariates = less.get(i) or [0.0] * (1 + len(numbers))
    if isinstance(metric, Ratio):
        below = f" * y{numbers[1]}"
    yield _less(i, f"y{numbers[0]}", own, below)
    yield from ((f"y{n}", f"y{n}") for n in numbers[1:])
    if plan.history:
        yield from (_less(i, f"x{n}", c) for n, c in zip(numbers, covariates, strict=True))
    if plan.received:
        yield (f"r{_number(plan, metric)}",) * 2


def _less(i: int, name: str, offset: float, times: str = "") -> tuple[str, str]:
    return (f"{name}m{i}", f"({name} - {double(offset)}{times})") if offset else (name, name)


def _summed_columns(plan: Plan, i: int, less: Offsets) -> list[str]:
    """What is summed up, in the order of ``Columns``."""
    facts = list(_facts(plan, i, less))
    if not plan.clustered:
        return [value for _, value in facts]
    j, own = _number(plan, plan.means[i]), len(parts(plan.means[i]))
    found = [f"{name}_{j}" for name, _ in facts]
    return [*found[:own], f"size{j}", *found[own:]]
