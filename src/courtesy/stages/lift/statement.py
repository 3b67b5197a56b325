"""The statements that read an experiment's outcomes, in DuckDB's dialect.

They stay within what SQLGlot carries to Spark, over the relations of ``people``.
"""

from collections.abc import Sequence
from datetime import datetime

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


def summing(plan: Plan, now: datetime, by: str | None = None) -> str:
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

    Raises:
        DefinitionError: a metric does not fit together.
    """
    limits = [f"(SELECT y{n} FROM limits) AS limit{n}" for n, _ in winsorised(plan)]  # noqa: S608 - numbered
    limits += [
        f"(SELECT CAST(SUM(b{n}) AS BIGINT) FROM outcomes) AS before{n}"  # noqa: S608 - numbered
        for n in conversions(plan)
    ]
    return _SUMS.format(
        people=people(plan, now, by),
        clusters=_clusters(plan, by) if plan.clustered else "",
        summed=_summed(plan, by),
        once=", ".join([_MIXED, *([_SPLIT] if plan.clustered else []), *limits]),
    )


def values(plan: Plan, now: datetime) -> str:
    """SQL with the ``arm`` and the ``value`` of the plan's one metric of each complete person."""
    return f"{people(plan, now, None)} SELECT arm, y0 AS value FROM people WHERE complete0"  # noqa: S608 - literals are escaped


def _clusters(plan: Plan, by: str | None) -> str:
    """The relation ``clusters``: what their people add up to, and how many people that is."""
    key = ["arm", "unit", *([SEGMENT] if by == SEGMENT else [])]
    found = [*key, "COUNT(*) AS people"]
    for j, _ in enumerate(plan.windows):
        found.append(f"CAST(COUNT(CASE WHEN complete{j} THEN 1 END) AS DOUBLE) AS size{j}")
        if by == DAY:
            found.append(f"MAX(CASE WHEN complete{j} THEN day{j} END) AS day{j}")
    facts = {(name, _number(plan, m)) for m in plan.means for name in _names(plan, m)}
    for name, j in sorted(facts):
        found.append(f"SUM(CASE WHEN complete{j} THEN {name} ELSE 0 END) AS {name}_{j}")
    return f",\nclusters AS (SELECT {', '.join(found)} FROM people GROUP BY {', '.join(key)})"  # noqa: S608 - numbered names


def _summed(plan: Plan, by: str | None) -> str:
    if by == DAY:
        every = range(len(plan.windows))
        return " UNION ALL ".join(_group(plan, f"day{j}", j) for j in every)
    return _group(plan, SEGMENT if by == SEGMENT else "''", None)


def _group(plan: Plan, group: str, only: int | None) -> str:
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
        columns = _summed_columns(plan, metric)
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


def _names(plan: Plan, metric: Metric | Ratio) -> Sequence[str]:
    """A person's columns of a metric: its values, covariates, received."""
    numbers = [plan.facts.index(part) for part in parts(metric)]
    kinds = "yx" if plan.history else "y"
    reached = [f"r{_number(plan, metric)}"] if plan.received else []
    return [f"{kind}{n}" for kind in kinds for n in numbers] + reached


def _summed_columns(plan: Plan, metric: Metric | Ratio) -> list[str]:
    """What is summed up, in the order of ``Columns``."""
    if not plan.clustered:
        return list(_names(plan, metric))
    j, own = _number(plan, metric), len(parts(metric))
    found = [f"{name}_{j}" for name in _names(plan, metric)]
    return [*found[:own], f"size{j}", *found[own:]]
