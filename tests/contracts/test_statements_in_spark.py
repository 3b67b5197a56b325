"""Every statement that reaches the engine, from audiences to results, is carried to Spark.

A whole life of a home is recorded: what any part of the product asks the engine is written down
with the file that asked. Each statement is then said in Spark by SQLGlot and read again, and calls
nothing that Spark does not have but for ``EXCEPTIONS``.
"""

import inspect
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlglot
from typer.testing import CliRunner

import courtesy
from courtesy import workspace
from courtesy.app import App, make_home, open_app, open_parts
from courtesy.doors.cli.main import commands
from courtesy.doors.web.gather import gather
from courtesy.flow import absorb, lift_in_full, night, period, replay, size_of, start_pilot, tick
from courtesy.flow.backup import back_up
from courtesy.flow.outlook import notices_of
from courtesy.flow.preview import preview
from courtesy.flow.repair import repair
from courtesy.ground.lake import DuckDBEngine
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.ids import digest
from courtesy.ground.stats import AlwaysValid
from courtesy.stages.audiences import explain
from courtesy.stages.audiences import store as audiences_store
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = 120
SOURCE = Path(courtesy.__file__).parent
EVERY_OPERATOR = (
    "{is: 5, is_not: it's, in: [a, true, 3.5], not_in: [b], gt: 1, gte: a, lt: 9, lte: 8, "
    "contains: o, starts_with: g, exists: true}"
)
PLAN = """plan:
  hypothesis: Who gets a coupon buys more.
  primary: spent
  minimal_effect: 50%
  history: 7d
  longest: 30d
  decisions: {better: Keep it., worse: Drop it., not_significant: Keep the mix.}"""
FILES = {
    "policy.yaml": """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
service_topics: [receipts]
holdouts: {universal: 20%, programs: {onboarding: 30%}}
""",
    "templates/hello.html": "---\nsubject: Hello\n---\n<p>{{ postal_address }}"
    ' <a href="{{ unsubscribe_url }}">stop</a></p>\n',
    "audiences/buyers.yaml": "audience: buyers\nwhen: {did: Bought, at_least: 2, within: 30d}\n",
    "audiences/all-kinds.yaml": f"""
audience: all-kinds
when:
  any:
    - {{did: Bought, where: {{"shop.x y": {EVERY_OPERATOR}}}}}
    - {{trait: sizes, contains: 38}}
    - all: [{{trait: plan, is: pro}}, {{not: {{trait: age, gte: 30}}}}]
    - {{sequence: [{{did: Signed Up}}, {{did: Bought}}], within: 7d}}
    - {{in: buyers}}
    - {{consented: {{topic: offers, channel: email}}}}
    - {{reachable: email}}
""",
    "journeys/welcome.yaml": """
journey: welcome
topic: offers
program: onboarding
holdout: 30%
entry: {event: Signed Up, where: {from: {is: web}}, if: {trait: plan, is: pro}}
goal: {did: Bought, within: 7d, where: {total: {gt: 100}}}
exit: {did: Left}
steps:
  - test: {name: wording, arms: {plain: 1, story: 1}}
  - send: {template: hello}
  - wait: 1d
  - test: timing
  - branch:
      - if: {did: Bought, where: {total: {gt: 5}}}
        then:
          - send: {template: hello}
""",
    "journeys/thanks.yaml": """
journey: thanks
topic: offers
entry: {audience: buyers}
steps:
  - test: offer
  - send: {template: hello}
""",
    "experiments/offer.yaml": f"""
experiment: offer
owner: growth@brand.example
arms: {{none: 1, coupon: 1}}
cluster: household
traffic: [{{from: 2026-01-01T00:00:00Z, share: 99%}}, {{from: 2026-03-03T00:00:00Z, share: 100%}}]
segments: [plan]
strata: plan
trigger: {{did: Visited, where: {{page: {{is: cart}}}}}}
treated_by: {{did: Email Sent}}
metrics: [spent, orders, basket, back, soon, left, paid, held, median]
{PLAN}
""",
    "experiments/price.yaml": f"""
experiment: price
owner: growth@brand.example
arms: {{full: 1, low: 1}}
if: {{trait: plan, is: pro}}
{PLAN}
""",
    "experiments/timing.yaml": f"""
experiment: timing
owner: growth@brand.example
arms: {{early: 1, late: 1}}
{PLAN}
""",
    "experiments/elsewhere.yaml": """
experiment: elsewhere
observed:
  at: 2026-03-02T00:00:00Z
  within: 2d
  arms: {sent: {did: Signed Up, where: {from: {is: web}}}}
  control: none
  randomised: true
  carry_over: 7d
segments: [plan]
metrics: [spent, bought]
""",
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Bought\nwithin: 3d\n",
    "metrics/spent.yaml": "metric: spent\nkind: sum\nevent: Bought\nproperty: total\nwithin: 2d\n",
    "metrics/orders.yaml": "metric: orders\nkind: count\nevent: Bought\nwithin: 2d\ncap: 5\n",
    "metrics/basket.yaml": "metric: basket\nkind: ratio\ntop: spent\nbottom: orders\n",
    "metrics/back.yaml": "metric: back\nkind: retention\nevent: Visited\nday: 1\n",
    "metrics/soon.yaml": "metric: soon\nkind: time_to_event\nevent: Bought\nwithin: 2d\n",
    "metrics/left.yaml": "metric: left\nkind: opt_outs\nwithin: 2d\n",
    "metrics/paid.yaml": "metric: paid\nkind: cost\nwithin: 2d\n",
    "metrics/held.yaml": "metric: held\nkind: sum\nevent: Bought\nproperty: total\nwithin: 2d\n"
    "winsorise: 90%\n",
    "metrics/median.yaml": "metric: median\nkind: sum\nevent: Bought\nproperty: total\nwithin: 2d\n"
    "quantile: 50%\n",
}
EXCEPTIONS: Mapping[str, str] = {
    "ARRAY_CONTAINS": "of a JSON list's items, FROM_JSON with ARRAY<VARIANT> there",
    "FROM_JSON": "the same",
    "JSON_TYPE": "the type of a JSON value, which Spark tells of variants: SCHEMA_OF_VARIANT",
    "PERCENTILE_CONT": "SQLGlot leaves out WITHIN GROUP; Spark's PERCENTILE says the same",
}
"""What the engine there has to say in its own words; ``test_statement`` of lift has the words."""

# What Spark 4 has by these names: spark.apache.org/docs/latest/api/sql.
SPARK = frozenset(
    re.findall(
        r"\w+",
        "ABS ARRAY_MIN AVG BOOL_AND BOOL_OR CAST COALESCE COLLECT_LIST CONTAINS COUNT COVAR_POP "
        "DATEDIFF FILTER GET_JSON_OBJECT LEAST MAX MIN MIN_BY STARTSWITH SUM TRY_CAST",
    )
)
KEYWORDS = set(re.findall(r"\w+", "ALL AND AS ELSE EXCEPT FROM IN NOT ON OR OVER THEN WHEN"))
Asked = dict[str, set[str]]


def calls(number: int) -> Iterator[dict[str, Any]]:
    """What one person does: half sign up on the web, a third buys, some visit and leave."""
    user = {"userId": f"u{number}"}
    came = START - timedelta(days=4) if number < PEOPLE // 2 and number % 2 else START
    consent = {"topic": "offers", "channel": "email", "granted": True, "source": "form"}
    traits = {
        "email": f"u{number}@customers.example",
        "plan": "pro" if number % 4 else "free",
        "household": f"h{number // 2}",
        "age": number,
    }
    yield user | {"type": "identify", "traits": traits, "context": {"consents": [consent]}}
    did: list[tuple[str, datetime, dict[str, Any]]] = [
        ("Signed Up", came, {"from": "web" if number % 3 else "app"}),
        *(("Bought", came - timedelta(hours=hours), {"total": 9 + number % 7}) for hours in (2, 3)),
        *(("Bought", came + timedelta(hours=6), {"total": 5}) for _ in range(number % 3)),
        *(("Bought", came + timedelta(days=day), {"total": day}) for day in range(1, number % 5)),
        ("Visited", came + timedelta(hours=5), {"page": "cart"}),
    ]
    for event, at, properties in did:
        moment = {"timestamp": at.isoformat(), "properties": properties}
        yield user | {"type": "track", "event": event} | moment


def told(app: App, numbers: range) -> None:
    batch = [call for number in numbers for call in calls(number)]
    named = [call | {"messageId": f"{numbers.start}-{n}"} for n, call in enumerate(batch)]
    body = collect(json.dumps({"batch": named}).encode(), "batch")
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("app", app.clock.now(), body)])
    absorb(app)


def live(home: Path, folder: Path) -> None:
    """From events to results, and whatever looks at them."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    make_home(home)
    clock = VirtualClock(START)
    app = open_app(home, clock=clock)
    told(app, range(PEOPLE // 2))
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, START)
    for pilot in ("offer", "price", "timing"):
        size_of(app, pilot)
    start_pilot(app, "offer", people=PEOPLE)
    for step in range(8):
        clock.move(START + timedelta(hours=12 * step + 1))
        if step == 1:
            told(app, range(PEOPLE // 2, PEOPLE))
        night(app)
        tick(app)
    resize(app, folder)
    measured(app)
    with app.ledger.read() as transaction:
        audience = audiences_store.in_force(transaction)["all-kinds"]
        notices_of(app, transaction, folder)
        explain(transaction, app.engine, audience, digest("user_id", "u3"), clock.now())
    preview(app, "welcome", "u3")
    gather(app, person="u3")
    gather(app)
    app.close()
    looked_at(home)
    replayed(home.parent / "again", folder)
    kept_and_repaired(home.parent / "again")


def resize(app: App, folder: Path) -> None:
    grown = FILES["policy.yaml"].replace("universal: 20%", "universal: 25%")
    (folder / "policy.yaml").write_text(grown, encoding="utf-8")
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, app.clock.now())


def measured(app: App) -> None:
    names = ("offer", "wording", "elsewhere", "welcome", "onboarding", "universal")
    for name in names:
        lift_in_full(app, name, AlwaysValid(), metrics=["bought"], by=["plan"], over_time=True)


def looked_at(home: Path) -> None:
    for words in (["events", "count"], ["events", "list", "--person", "u3"]):
        done = CliRunner().invoke(commands, ["--home", str(home), *words])
        assert done.exit_code == 0, done.output


def replayed(home: Path, folder: Path) -> None:
    make_home(home)
    clock = VirtualClock(START)
    app = open_app(home, clock=clock)
    told(app, range(9))
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, START)
    first, _ = period(app)
    replay(app, clock, end=first + timedelta(days=1), step=timedelta(hours=6), settle=False)
    app.close()


def kept_and_repaired(home: Path) -> None:
    """A backup, and the ledger of a new home in the place of the old one."""
    app = open_app(home)
    back_up(app, home.parent / "backup")
    app.close()
    make_home(home.parent / "new")
    shutil.copy(home.parent / "new" / "ledger.db", home / "ledger.db")
    torn = open_parts(home)
    assert repair(torn).found
    torn.close()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Every statement, and the file that asked it."""
    found: Asked = {}
    query = DuckDBEngine.query

    def recorded(self: DuckDBEngine, sql: str, **given: Any) -> pl.DataFrame:  # noqa: ANN401 - passed on
        caller = inspect.stack()[1].filename
        found.setdefault(sql, set()).add(Path(caller).relative_to(SOURCE).as_posix())
        return query(self, sql, **given)

    folder = tmp_path_factory.mktemp("life")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBEngine, "query", recorded)
        live(folder / "home", folder / "workspace")
    return found


def carried(sql: str) -> set[str]:
    """The functions that the statement calls in Spark."""
    level = sqlglot.ErrorLevel.RAISE
    (spark,) = sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=level)
    assert sqlglot.parse_one(spark, read="spark").sql("spark", unsupported_level=level) == spark
    unquoted = re.sub(r"'(?:[^'\\]|\\.)*'|`[^`]*`", "''", spark)
    return {name.upper() for name in re.findall(r"\b([A-Za-z_]+) ?\(", unquoted)} - KEYWORDS


def test_whoever_asks_the_engine_is_recorded(asked: Asked) -> None:
    files = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"engine\.query\(", path.read_text(encoding="utf-8"))
    }
    assert set().union(*asked.values()) == files


def test_every_statement_is_carried_to_spark(asked: Asked) -> None:
    assert len(asked) > 50
    called: set[str] = set()
    for sql, files in asked.items():
        functions = carried(sql)
        assert functions <= SPARK | EXCEPTIONS.keys(), (files, functions - SPARK, sql)
        called |= functions
    assert EXCEPTIONS.keys() <= called
