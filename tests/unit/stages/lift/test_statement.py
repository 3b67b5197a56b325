"""The statements stay within what SQLGlot carries to Spark, and read each fact once.

Two things SQLGlot does not know how to say in Spark, so that the engine there has to: the type of a
JSON value, which Spark tells of variants (Spark 4.0), and the exact quantile, Spark's PERCENTILE.
``in_spark`` is the whole translation.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlglot
from sqlglot import exp

from courtesy.ground.rules import Did, parse
from courtesy.stages.lift import CONVERSION, COUNT, DAY, SUM, TIME, Metric, Plan, Ratio
from courtesy.stages.lift.people import SEGMENT
from courtesy.stages.lift.statement import summing, values

ONE = timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = Metric("orders", COUNT, ("Order Completed", "It's"), within=7 * ONE)
REVENUE = Metric("revenue", SUM, ("Order Completed",), property="order value.x", within=ONE, cap=9)
EVERY_OPERATOR = {
    "is": 5,
    "is_not": "5",
    "in": ["it's", True, 3.5],
    "not_in": ["-", "x"],
    "gt": 1,
    "gte": "a",
    "lt": 9,
    "lte": 8,
    "contains": "o",
    "starts_with": "g",
    "exists": True,
    "same_as": {"entry": "c.d"},
}
_did = parse({"did": "Banner Seen", "where": {"order value.b": EVERY_OPERATOR, "n": "x"}})
assert isinstance(_did, Did)
DID = _did
METRICS: list[Metric | Ratio] = [
    Metric("goal", CONVERSION, ("Order Completed",), where=DID.where, after=ONE, at_least=2),
    REVENUE,
    Ratio("basket", REVENUE, ORDERS),
    Metric("held", SUM, ("Order Completed",), property="x", within=2 * ONE, winsorise=0.99),
    Metric("first", TIME, ("Order Completed",), after=ONE, within=3 * ONE),
]
# What Spark 4 has by these names: spark.apache.org/docs/latest/api/sql.
SPARK = frozenset(
    re.findall(
        r"\w+",
        "ABS ARRAY_CONTAINS AVG CAST COALESCE CONTAINS COUNT COVAR_POP DATEDIFF FROM_JSON "
        "GET_JSON_OBJECT LEAST MAX MIN "
        "MIN_BY PERCENTILE SCHEMA_OF_VARIANT STARTSWITH SUM TRY_CAST TRY_PARSE_JSON "
        "TRY_VARIANT_GET",
    )
)
KEYWORDS = {"AS", "IN", "AND", "OR", "NOT", "FROM", "ALL", "WHEN", "THEN"}
_TYPES = {"VARCHAR": "STRING", "BIGINT": "BIGINT", "BOOLEAN": "BOOLEAN", "DOUBLE": "DOUBLE"}


def in_spark(node: exp.Expr) -> exp.Expr:
    """What SQLGlot leaves to the engine: JSON's types and the exact quantile."""
    if isinstance(node, exp.PercentileCont):
        return exp.Anonymous(this="PERCENTILE", expressions=[node.this, node.expression])
    if not isinstance(node, exp.JSONType):
        return node
    path = re.sub(r'\."((?:[^"\\]|\\.)*)"', r'["\1"]', node.expression.name)
    value = f"TRY_VARIANT_GET(TRY_PARSE_JSON({node.this.sql('spark')}), '{path}', 'VARIANT')"
    kind = f"SCHEMA_OF_VARIANT({value})"
    same = " ".join(f"WHEN {kind} = '{there}' THEN '{here}'" for here, there in _TYPES.items())
    return sqlglot.parse_one(f"CASE {same} WHEN {kind} LIKE 'DECIMAL%' THEN 'DOUBLE' END", "spark")


def carried(sql: str) -> str:
    """The statement for Spark, which knows every function in it."""
    level = sqlglot.ErrorLevel.RAISE
    tree = sqlglot.parse_one(sql, read="duckdb").transform(in_spark)
    spark = tree.sql("spark", unsupported_level=level)
    assert sqlglot.parse_one(spark, read="spark").sql("spark", unsupported_level=level) == spark
    unquoted = re.sub(r"'(?:[^'\\]|\\.)*'", "''", spark)
    called = {name.upper() for name in re.findall(r"\b([A-Za-z_]+) ?\(", unquoted)}
    assert called - KEYWORDS <= SPARK
    return spark


@pytest.mark.parametrize("by", [None, DAY, SEGMENT])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_sums_are_carried_to_spark(by: str | None, clustered: bool, full: bool) -> None:  # noqa: FBT001 - parameters
    plan = Plan("it's", "a", METRICS, clustered=clustered)
    if full:
        plan = Plan(
            "it's",
            "a",
            METRICS,
            history=30 * ONE,
            clustered=clustered,
            trigger=DID,
            received=DID,
        )
    spark = carried(summing(plan, NOW, by))
    assert "$['order value'].x" in spark.replace("\\", "")
    assert "PERCENTILE(" in spark
    assert "SCHEMA_OF_VARIANT(" in spark


def test_offsets_are_carried_to_spark() -> None:
    plan = Plan("e", "a", [REVENUE, Ratio("basket", REVENUE, ORDERS)], history=ONE, clustered=True)
    spark = carried(summing(plan, NOW, None, {0: [1e9, 5.0], 1: [2e7, 0.0, -3.5]}))
    for part in (
        "(y0 - 1000000000.0e0)",
        "(y0 - 20000000.0e0 * y1)",
        "(x0 - 5.0e0)",
        "(x1 - -3.5e0)",
    ):
        assert part in spark


def test_values_are_carried_to_spark() -> None:
    for metric in METRICS:
        if isinstance(metric, Metric):
            carried(values(Plan("it's", "a", [metric]), NOW))


def test_a_function_that_spark_does_not_have_is_seen() -> None:
    for sql in ("SELECT epoch_us(a) FROM t", "SELECT list_sort(a) FROM t"):
        with pytest.raises(AssertionError):
            carried(sql)


def test_each_fact_is_read_once() -> None:
    plan = Plan("e", "a", [REVENUE, Ratio("basket", REVENUE, ORDERS), ORDERS])
    outcomes = summing(plan, NOW).partition("outcomes AS")[2].partition("people AS")[0]
    assert re.findall(r" AS (y\d+)", outcomes) == ["y0", "y1"]
