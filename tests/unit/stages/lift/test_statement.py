"""The statement stays within what SQLGlot carries to Spark."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlglot
from sqlglot import exp

from courtesy.stages.lift import CONVERSION, COUNT, SUM, Metric, Ratio
from courtesy.stages.lift.statement import statement

DAY = timedelta(days=1)
ORDERS = Metric("orders", COUNT, "Order Completed", within=7 * DAY)
REVENUE = Metric("revenue", SUM, "Order Completed", property="order value.x", within=DAY, cap=9.5)


@pytest.mark.parametrize("history", [None, 30 * DAY])
def test_it_is_carried_to_spark(history: timedelta | None) -> None:
    metrics: list[Metric | Ratio] = [
        Metric("goal", CONVERSION, "Order Completed", after=DAY),
        REVENUE,
        Ratio("basket", REVENUE, ORDERS),
    ]
    sql = statement("it's", metrics, datetime(2026, 1, 1, tzinfo=UTC), history)
    level = sqlglot.ErrorLevel.RAISE
    (carried,) = sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=level)
    tree = sqlglot.parse_one(carried, read="spark")
    unknown = {call.name.lower() for call in tree.find_all(exp.Anonymous)}
    assert unknown == set()
    assert "$['order value'].x" in carried.replace("\\", "")


def test_each_fact_is_read_once() -> None:
    sql = statement(
        "e", [REVENUE, Ratio("basket", REVENUE, ORDERS), ORDERS], datetime.now(UTC), None
    )
    assert sql.count(" AS y") == 2
