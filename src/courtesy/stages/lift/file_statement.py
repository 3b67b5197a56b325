"""The statements that read outside data in the embedded engine: look at every cell, then sum up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from courtesy.stages.lift.sums import selected

_SPACES = " \t\r\n\xa0"
_MISSING = ("'na'", "'n/a'", "'nan'", "'null'", "'none'")
_LARGEST = "1e60"
_ABOUT = (
    "CASE WHEN MIN({value}) = MAX({value}) THEN MIN({value}) "
    "WHEN ABS(AVG({value})) > 1000 * STDDEV_POP({value}) THEN AVG({value}) ELSE 0.0 END"
)


@dataclass(frozen=True)
class Measured:
    """A metric of the file: one column, or one over another; ``yes_no`` when all are 0 or 1.

    ``offset``: about what the metric is where that is far from zero, taken off before it is summed
    up, so that nothing is lost.
    """

    name: str
    top: str
    bottom: str | None = None
    yes_no: bool = False
    offset: float = 0.0

    @property
    def cells(self) -> tuple[str, ...]:
        """The columns that it needs."""
        return (self.top,) if self.bottom is None else (self.top, self.bottom)


@dataclass(frozen=True)
class Layout:
    """Which column is what; ``gaps`` are the covariates that some rows lack.

    ``centres``: about what each covariate is, taken off like the offset of a metric.
    """

    unit: str
    arm: str
    cluster: str | None
    metrics: Sequence[Measured]
    covariates: Sequence[str]
    gaps: Sequence[str] = ()
    centres: Sequence[float] = ()

    @property
    def cells(self) -> list[str]:
        """The columns that hold numbers, each once."""
        used = [cell for metric in self.metrics for cell in metric.cells]
        return list(dict.fromkeys([*used, *self.covariates]))


def parsed(layout: Layout) -> str:
    """Makes the view ``parsed``: ``unit``, ``arm``, ``cluster``, and three columns for each cell.

    Of cell i: ``found{i}`` is its text, ``v{i}`` its value, null where it is missing or bad, and
    ``bad{i}`` whether it is no finite number although it is not empty.
    """
    cluster = _who(layout.cluster) if layout.cluster else "NULL"
    parts = [f"{_who(layout.unit)} AS unit, {_who(layout.arm)} AS arm, {cluster} AS cluster"]
    for i, cell in enumerate(layout.cells):
        number = _number(cell)
        value = f"CASE WHEN ABS({number}) < {_LARGEST} THEN {number} END"
        bad = f"{value} IS NULL AND {_filled(cell)}"  # v{i} here might be a column of the file
        parts += [f"{value} AS v{i}", f"{bad} AS bad{i}", f"{_label(cell)} AS found{i}"]
    return f"CREATE OR REPLACE VIEW parsed AS SELECT {', '.join(parts)} FROM data"  # noqa: S608 - quoted


def inspection(layout: Layout) -> str:
    """One row: ``rows``, ``no_unit``, ``no_arm``, ``no_cluster``, and seven columns for each cell.

    Of cell i: how many are ``bad{i}``, how many ``missing{i}``, how many ``negative{i}``, how many
    ``other{i}`` are neither 0 nor 1, the lowest ``low{i}``, the ``mean{i}``, and ``about{i}``: the
    mean where values lie far from zero beside how far they lie apart, else 0.
    """
    parts = ["COUNT(*) AS rows"]
    parts += [f"COUNT(*) - COUNT({name}) AS no_{name}" for name in ("unit", "arm", "cluster")]
    for i, _ in enumerate(layout.cells):
        parts += [
            f"COUNT_IF(bad{i}) AS bad{i}",
            f"COUNT_IF(v{i} IS NULL AND NOT bad{i}) AS missing{i}",
            f"COUNT_IF(v{i} < 0) AS negative{i}",
            f"MIN(v{i}) AS low{i}",
            f"AVG(v{i}) AS mean{i}",
            f"{_ABOUT.format(value=f'v{i}')} AS about{i}",
            f"COUNT_IF(v{i} NOT IN (0, 1)) AS other{i}",
        ]
    return f"SELECT {', '.join(parts)} FROM parsed"  # noqa: S608 - numbered names


def first_row(layout: Layout, cell: str, condition: str) -> str:
    """The ``number`` of the first row, from 1, whose ``{value}`` or ``{bad}`` meets a condition.

    ``found`` is what the cell holds.
    """
    i = layout.cells.index(cell)
    where = condition.format(value=f"v{i}", bad=f"bad{i}")
    return (
        f"SELECT number, found{i} AS found FROM (SELECT *, ROW_NUMBER() OVER () AS number "  # noqa: S608 - numbered
        f"FROM parsed) WHERE {where} ORDER BY number LIMIT 1"
    )


def arms(limit: int) -> str:
    """The arms that there are, ``limit`` at most."""
    return f"SELECT DISTINCT arm FROM parsed WHERE arm IS NOT NULL LIMIT {limit}"  # noqa: S608 - a number


def split_clusters() -> str:
    """``split``: how many clusters have rows in several arms."""
    return (
        "SELECT COUNT(*) AS split FROM (SELECT cluster FROM parsed WHERE cluster IS NOT NULL "
        "AND unit IS NOT NULL GROUP BY cluster HAVING MIN(arm) <> MAX(arm))"
    )


def summing(layout: Layout) -> str:
    """One row for each arm, and one without arm for the units that were in several.

    ``units``; ``assigned``: clusters, or units where there are none; ``repeated``: units that have
    several rows; ``moved``: units that are in several clusters; and the sums of metric i under
    ``m{i}``, of these columns: its total, its denominator if it has one, how many units make up the
    total, then the covariates, then for each covariate with gaps whether it is missing.
    """
    source = "clusters" if layout.cluster else "units"
    sums = [
        part
        for i, metric in enumerate(layout.metrics)
        for part in selected(f"m{i}", list(_columns(layout, i, metric)), f"s{i} > 0")
    ]
    return (
        f"WITH units AS ({_units(layout)}), clusters AS ({_clusters(layout)}) "  # noqa: S608 - numbered
        "SELECT arm, CAST(SUM(units) AS BIGINT) AS units, COUNT(*) AS assigned, "
        "CAST(SUM(repeated) AS BIGINT) AS repeated, CAST(SUM(moved) AS BIGINT) AS moved, "
        f"{', '.join(sums)} FROM {source} GROUP BY arm"
    )


def pairs(layout: Layout, metric: Measured) -> tuple[tuple[int, int | None], ...]:
    """Which of the summed columns make up the metric, then its covariates."""
    size = 1 if metric.bottom is None else 2
    covariates = range(size + 1, size + 1 + len(layout.covariates) + len(layout.gaps))
    return ((0, 1), *((column, size) for column in covariates))


def width(layout: Layout, metric: Measured) -> int:
    """How many columns of the metric are summed."""
    return 1 + len(metric.cells) + len(layout.covariates) + len(layout.gaps)


def _columns(layout: Layout, i: int, metric: Measured) -> Iterator[str]:
    yield f"t{i}"
    if metric.bottom is not None:
        yield f"b{i}"
    yield f"s{i}"
    yield from (f"x{i}_{j}" for j in range(len(layout.covariates) + len(layout.gaps)))


def _units(layout: Layout) -> str:
    """Rows of the same unit are one: totals add up, yes or no is yes once, covariates average."""
    cells = layout.cells
    facts = [f"AVG(v{cells.index(c)}) AS raw{j}" for j, c in enumerate(layout.covariates)]
    for i, metric in enumerate(layout.metrics):
        known = " AND ".join(f"v{cells.index(c)} IS NOT NULL" for c in metric.cells)
        total = "MAX" if metric.yes_no else "SUM"
        top = cells.index(metric.top)
        found = f"{total}(v{top}) FILTER ({known})"
        if metric.bottom is None:
            facts += [f"COUNT_IF({known}) AS n{i}", f"{found} - {metric.offset!r} AS t{i}"]
            continue
        below = f"SUM(v{cells.index(metric.bottom)}) FILTER ({known})"
        facts += [f"COUNT_IF({known}) AS n{i}", f"{below} AS b{i}"]
        facts.append(f"{found} - {metric.offset!r} * {below} AS t{i}")
    grouped = (
        "SELECT MIN(arm) AS low, MAX(arm) AS high, MIN(cluster) AS cluster, "  # noqa: S608 - numbered
        "COALESCE(CAST(MIN(cluster) <> MAX(cluster) AS INTEGER), 0) AS moved, "
        f"COUNT(*) AS rows, {', '.join(facts)} FROM parsed "
        "WHERE unit IS NOT NULL AND arm IS NOT NULL"
        f"{' AND cluster IS NOT NULL' if layout.cluster else ''} GROUP BY unit"
    )
    shown = ", ".join(_unit_columns(layout))
    return f"SELECT *, CASE WHEN low = high THEN low END AS arm, {shown} FROM ({grouped})"  # noqa: S608


def _unit_columns(layout: Layout) -> Iterator[str]:
    yield "1 AS units"
    yield "CAST(rows > 1 AS INTEGER) AS repeated"
    missing = [f"raw{list(layout.covariates).index(gap)}" for gap in layout.gaps]
    for i, _ in enumerate(layout.metrics):
        yield f"CAST(n{i} > 0 AS DOUBLE) AS s{i}"
        values = [f"COALESCE(raw{j} - {c!r}, 0.0)" for j, c in enumerate(layout.centres)]
        values += [f"CAST({raw} IS NULL AS DOUBLE)" for raw in missing]
        yield from (f"{value} AS x{i}_{j}" for j, value in enumerate(values))


def _clusters(layout: Layout) -> str:
    sums = [f"SUM({name}) AS {name}" for name in ("units", "repeated", "moved")]
    for i, metric in enumerate(layout.metrics):
        names = list(_columns(layout, i, metric))
        sums += [f"SUM({name}) FILTER (s{i} > 0) AS {name}" for name in names]
    return f"SELECT arm, {', '.join(sums)} FROM units GROUP BY cluster, arm"  # noqa: S608 - numbered


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _label(column: str) -> str:
    """The text of a cell without spaces around it; the slow way only where there are tabs."""
    text = f"CAST({_named(column)} AS VARCHAR)"
    trimmed = (
        f"CASE WHEN CONTAINS({text}, '\t') THEN TRIM({text}, '{_SPACES}') ELSE TRIM({text}) END"
    )
    return f"NULLIF({trimmed}, '')"


def _who(column: str) -> str:
    """What a unit, an arm or a cluster is called; a number that is none is no name."""
    return f"NULLIF({_label(column)}, 'nan')"


def _filled(column: str) -> str:
    """Whether a cell says anything; CASE and no IN, which DuckDB would turn into slow joins."""
    words = " ".join(f"WHEN {word} THEN FALSE" for word in _MISSING)
    return f"{_label(column)} IS NOT NULL AND CASE LOWER({_label(column)}) {words} ELSE TRUE END"


def _number(column: str) -> str:
    """A cell as a number: yes and true are 1, no and false are 0."""
    words = "WHEN 'true' THEN 1.0 WHEN 'yes' THEN 1.0 WHEN 'false' THEN 0.0 WHEN 'no' THEN 0.0"
    other = f"CASE LOWER({_label(column)}) {words} END"
    return f"COALESCE(TRY_CAST({_named(column)} AS DOUBLE), {other})"
