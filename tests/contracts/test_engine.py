"""What every engine promises."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from courtesy.ground.lake import DuckDBEngine, Engine, Lake, Table
from courtesy.ground.primitives.errors import HomeError, QueryError

INSTANT = pl.Datetime("us", "UTC")
VISITS = Table(
    "visits",
    "occurred_at",
    pl.Schema({"person_id": pl.String(), "occurred_at": INSTANT, "properties": pl.String()}),
)
START = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
NAMES = "SELECT person_id FROM visits ORDER BY person_id"

ENGINES: list[Callable[[Lake], Engine]] = [DuckDBEngine]


def _visits(*people: str, start: datetime = START) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "person_id": people,
            "occurred_at": [start + timedelta(days=day) for day in range(len(people))],
            "properties": ["{}"] * len(people),
        },
        schema=VISITS.schema,
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "a lake, größer")


@pytest.fixture(params=ENGINES, ids=lambda make: make.__name__)
def engine(request: pytest.FixtureRequest, lake: Lake) -> Engine:
    made: Engine = request.param(lake)
    return made


def test_an_empty_table_has_its_columns_and_no_rows(engine: Engine) -> None:
    found = engine.query("SELECT * FROM visits", tables=[VISITS], frames={})
    assert found.is_empty()
    assert found.schema == {**VISITS.schema, "day": pl.Date()}


def test_a_table_gives_back_what_was_appended(engine: Engine, lake: Lake) -> None:
    visits = _visits("a", "b", "c")
    lake.append(VISITS, visits, writer="test", version=1)
    found = engine.query("SELECT * FROM visits ORDER BY person_id", tables=[VISITS], frames={})
    assert_frame_equal(found.drop("day"), visits)
    assert found["day"].to_list() == [date(2026, 3, day) for day in (1, 2, 3)]


def test_a_column_that_came_later_is_null_before(engine: Engine, lake: Lake) -> None:
    lake.append(VISITS, _visits("a"), writer="test", version=1)
    wider = Table("visits", "occurred_at", pl.Schema({**VISITS.schema, "unit": pl.String()}))
    later = _visits("b").with_columns(pl.lit("home").alias("unit"))
    lake.append(wider, later, writer="test", version=2)
    sql = "SELECT person_id, unit FROM visits ORDER BY person_id"
    assert engine.query(sql, tables=[wider], frames={}).rows() == [("a", None), ("b", "home")]


def test_a_declared_column_is_there_where_every_file_predates_it(
    engine: Engine, lake: Lake
) -> None:
    lake.append(VISITS, _visits("a"), writer="test", version=1)
    wider = Table("visits", "occurred_at", pl.Schema({**VISITS.schema, "unit": pl.String()}))
    found = engine.query("SELECT * FROM visits", tables=[wider], frames={})
    assert found.schema == {**wider.schema, "day": pl.Date()}
    assert found["unit"].to_list() == [None]
    later = _visits("b", start=START + timedelta(days=9)).with_columns(unit=pl.lit("home"))
    lake.append(wider, later, writer="test", version=2)
    sql, day = "SELECT unit FROM visits WHERE unit IS NULL", date(2026, 3, 1)
    assert engine.query(sql, tables=[wider], frames={}, since=day, until=day).rows() == [(None,)]


def test_times_are_utc_to_the_microsecond(engine: Engine, lake: Lake) -> None:
    lake.append(VISITS, _visits("a"), writer="test", version=1)
    found = engine.query(
        "SELECT occurred_at, extract(hour FROM occurred_at)::INTEGER AS hour,"
        " occurred_at = TIMESTAMPTZ '2026-03-01 23:59:59.999999+00' AS exact FROM visits",
        tables=[VISITS],
        frames={},
    )
    assert found.schema["occurred_at"] == INSTANT
    assert found.rows() == [(START, 23, True)]


def test_days_that_are_not_of_interest_are_left_out(engine: Engine, lake: Lake) -> None:
    lake.append(VISITS, _visits("a", "b", "c"), writer="test", version=1)
    second = date(2026, 3, 2)

    def names(since: date | None = None, until: date | None = None) -> list[str]:
        found = engine.query(NAMES, tables=[VISITS], frames={}, since=since, until=until)
        return found["person_id"].to_list()

    assert names(since=second) == ["b", "c"]
    assert names(until=second) == ["a", "b"]
    assert names(since=second, until=second) == ["b"]
    assert names(since=date(2027, 1, 1)) == []


def test_frames_join_tables(engine: Engine, lake: Lake) -> None:
    lake.append(VISITS, _visits("a", "b"), writer="test", version=1)
    given = pl.DataFrame({"person_id": ["b", "z"], "since": [START, None]})
    found = engine.query(
        "SELECT g.person_id, count(v.person_id) AS visits FROM given g LEFT JOIN visits v"
        " ON v.person_id = g.person_id AND v.occurred_at >= g.since GROUP BY 1 ORDER BY 1",
        tables=[VISITS],
        frames={"given": given.cast({"since": INSTANT})},
    )
    assert found.rows() == [("b", 1), ("z", 0)]


def test_an_empty_frame_is_a_relation_too(engine: Engine) -> None:
    given = pl.DataFrame(schema={"person_id": pl.String(), "granted": pl.Boolean()})
    assert engine.query("SELECT * FROM given", frames={"given": given}).schema == given.schema


def test_text_of_every_script_stays_what_it_is(engine: Engine, lake: Lake) -> None:
    people = ["Ana 🎉", "größe", "日本", "ascii", "it's; --", ""]
    lake.append(VISITS, _visits(*people), writer="test", version=1)
    found = engine.query(
        "SELECT person_id FROM visits JOIN given USING (person_id)",
        tables=[VISITS],
        frames={"given": pl.DataFrame({"person_id": people})},
    )
    assert sorted(found["person_id"]) == sorted(people)


def test_json_is_read_inside_statements(engine: Engine) -> None:
    texts = ['{"plan": "gold", "value": 3}', '{"plan": {"deep": "x"}}', "{}", None]
    found = engine.query(
        "SELECT json_extract_string(properties, '$.plan') AS plan,"
        " json_extract_string(properties, '$.plan.deep') AS deep,"
        " TRY_CAST(json_extract_string(properties, '$.value') AS DOUBLE) AS value FROM given",
        frames={"given": pl.DataFrame({"properties": texts})},
    )
    assert found.rows() == [
        ("gold", None, 3.0),
        ('{"deep":"x"}', "x", None),
        (None, None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nothing FROM visits", "nothing"),
        ("SELECT * FROM elsewhere", "elsewhere"),
        ("SELEC secret_word", "syntax"),
        ("SELECT CAST(person_id AS INTEGER), 'secret_word' FROM visits", "Could not convert"),
    ],
)
def test_a_statement_that_fails_says_why_and_shows_no_sql(
    engine: Engine, lake: Lake, sql: str, said: str
) -> None:
    lake.append(VISITS, _visits("a"), writer="test", version=1)
    with pytest.raises(QueryError, match=said) as caught:
        engine.query(sql, tables=[VISITS], frames={})
    assert caught.value.place == "visits"
    assert "\n" not in caught.value.message
    assert "secret_word" not in caught.value.message.replace('"secret_word"', "")


def test_a_file_that_went_missing_is_a_home_error(engine: Engine, lake: Lake) -> None:
    lake.append(VISITS, _visits("a"), writer="test", version=1)
    Path(lake.files(VISITS)[0]).unlink()
    with pytest.raises(HomeError) as caught:
        engine.query(NAMES, tables=[VISITS], frames={})
    assert caught.value.place == str(lake.folder)


def test_only_what_is_named_can_be_seen_and_no_variable_of_ours(engine: Engine) -> None:
    given = {"given": pl.DataFrame({"person_id": ["a"]})}
    for name in ("frame", "given_too", "pl"):
        with pytest.raises(QueryError):
            engine.query(f"SELECT * FROM {name}", frames=given)  # noqa: S608 - our own names


def test_questions_at_once_do_not_meet(engine: Engine, lake: Lake) -> None:
    lake.append(VISITS, _visits("a", "b", "c", "d"), writer="test", version=1)

    def ask(number: int) -> tuple[int, str]:
        found = engine.query(
            "SELECT min(v.person_id), min(g.word) FROM visits v, given g",
            tables=[VISITS],
            frames={"given": pl.DataFrame({"word": [f"w{number}"]})},
            since=date(2026, 3, 1 + number % 4),
        )
        return number, "".join(found.row(0))

    with ThreadPoolExecutor(8) as pool:
        answers = dict(pool.map(ask, range(64)))
    assert answers == {number: f"{'abcd'[number % 4]}w{number}" for number in range(64)}


def test_the_next_question_sees_what_was_appended_since(engine: Engine, lake: Lake) -> None:
    other = Lake(lake.folder)
    for version, person in enumerate("abc", start=1):
        other.append(VISITS, _visits(person), writer="test", version=version)
        assert engine.query(NAMES, tables=[VISITS], frames={}).height == version
