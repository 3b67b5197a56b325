"""What both ledgers promise: SQLite and PostgreSQL, one suite."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import create_engine, inspect

from courtesy.ground.ledger import Ledger
from courtesy.ground.primitives.clock import microseconds
from courtesy.ground.primitives.errors import HomeError

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
INSERT = "INSERT INTO people (person_id, created_at) VALUES (:person, :at)"
COUNT = "SELECT count(*) FROM people"


def _count(ledger: Ledger) -> int:
    with ledger.read() as tx:
        return int(tx.scalar(COUNT))


def test_what_is_written_is_there_for_the_next_reader(ledger: Ledger) -> None:
    with ledger.write() as tx:
        assert tx.run(INSERT, person="a", at=NOON) == 1
    with ledger.read() as tx:
        assert tx.one("SELECT * FROM people") == {
            "person_id": "a",
            "created_at": microseconds(NOON),
        }


def test_an_error_rolls_everything_back(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.write() as tx:
            tx.run(INSERT, person="a", at=NOON)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own, without text
        fail()
    assert _count(ledger) == 0


def test_a_read_keeps_nothing(ledger: Ledger) -> None:
    with ledger.read() as tx:
        tx.run(INSERT, person="a", at=NOON)
        assert tx.scalar(COUNT) == 1
    assert _count(ledger) == 0


def test_a_reader_sees_one_instant_while_a_writer_commits(ledger: Ledger) -> None:
    with ledger.read() as reader:
        assert reader.scalar(COUNT) == 0
        with ledger.write() as writer:
            writer.run(INSERT, person="a", at=NOON)
        assert reader.scalar(COUNT) == 0
    assert _count(ledger) == 1


def test_a_reader_does_not_wait_for_a_writer(ledger: Ledger) -> None:
    with ledger.write() as writer:
        writer.run(INSERT, person="a", at=NOON)
        assert _count(ledger) == 0


def test_writers_take_turns_and_lose_no_update(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.run(INSERT, person="counter", at=0)

    def count_up() -> None:
        for _ in range(20):
            with ledger.write() as tx:
                found = tx.scalar("SELECT created_at FROM people")
                tx.run("UPDATE people SET created_at = :at", at=found + 1)

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.read() as tx:
        assert tx.scalar("SELECT created_at FROM people") == 60


def test_a_writer_that_waits_too_long_is_told_where(ledger: Ledger) -> None:
    hasty = Ledger(ledger.url, wait=0.05)
    with ledger.write(), pytest.raises(HomeError, match="ledger") as caught, hasty.write():
        pass
    assert caught.value.place
    with hasty.write() as tx:
        tx.run(INSERT, person="a", at=NOON)
    hasty.close()


def test_a_broken_rule_of_a_table_is_a_home_error_without_the_password(ledger: Ledger) -> None:
    def twice() -> None:
        with ledger.write() as tx:
            tx.run(INSERT, person="a", at=NOON)
            tx.run(INSERT, person="a", at=NOON)

    with pytest.raises(HomeError, match=r"(?i)unique") as caught:
        twice()
    assert "secret-word" not in str(caught.value)
    assert "INSERT" not in str(caught.value)
    assert _count(ledger) == 0


def test_a_wrong_statement_is_a_home_error(ledger: Ledger) -> None:
    with pytest.raises(HomeError, match="absent"), ledger.read() as tx:
        tx.scalar("SELECT * FROM absent")


def test_a_frame_comes_back_as_it_was_loaded(ledger: Ledger) -> None:
    frame = pl.DataFrame(
        {
            "text": ["plain", None, "", 'a "quote"', "line\nbreak\ttab \\N \\.", "häß 日本 🎉"],
            "whole": [1, None, -(2**62), 2**62, 0, 5],
            "real": [0.1, None, -1e300, 1 / 3, 0.0, float("inf")],
            "truth": [True, None, False, True, False, True],
            "at": pl.Series([NOON, None, NOON, NOON, NOON, NOON], dtype=pl.Datetime("us", "UTC")),
            "raw": [b"\x00\xff", None, b"", b"a", b"\\x00", b"'"],
        }
    )
    with ledger.write() as tx:
        tx.load("given", frame)
        found = tx.frame("SELECT text, whole, real, truth, at, raw FROM given", frame.schema)
    assert_frame_equal(found, frame)


def test_a_nul_inside_a_text_does_no_harm(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.load("given", pl.DataFrame({"person_id": ["a\x00b"]}))
        found = tx.scalar("SELECT person_id FROM given")
    assert found in {"a\x00b", "a\ufffdb"}


def test_a_hundred_thousand_rows_arrive_whole(ledger: Ledger) -> None:
    frame = pl.DataFrame({"person_id": [f"p{n:06}" for n in range(100_000)]}).with_columns(
        created_at=pl.int_range(pl.len())
    )
    with ledger.write() as tx:
        tx.load("given", frame)
        tx.run(
            "INSERT INTO people (person_id, created_at) SELECT person_id, created_at FROM given"
            " WHERE true ON CONFLICT (person_id) DO NOTHING"
        )
    with ledger.read() as tx:
        found = tx.frame("SELECT * FROM people ORDER BY person_id", frame.schema)
    assert_frame_equal(found, frame)


def test_loaded_rows_join_the_tables(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.load("given", pl.DataFrame({"person_id": ["a", "b", "c"], "seen": [True, False, True]}))
        tx.run("INSERT INTO people SELECT person_id, 7 FROM given WHERE seen = 1")
        tx.load("given", pl.DataFrame({"person_id": ["c", "d"]}))
        found = tx.rows(
            "SELECT g.person_id, p.created_at FROM given g LEFT JOIN people p"
            " ON p.person_id = g.person_id ORDER BY g.person_id"
        )
    assert found == [
        {"person_id": "c", "created_at": 7},
        {"person_id": "d", "created_at": None},
    ]


@pytest.mark.parametrize("mode", ["read", "write"])
def test_what_was_loaded_is_gone_afterwards(ledger: Ledger, mode: str) -> None:
    begin = {"read": ledger.read, "write": ledger.write}[mode]
    with begin() as tx:
        tx.load("given", pl.DataFrame({"person_id": ["a"]}))
    with pytest.raises(HomeError), ledger.read() as tx:
        tx.scalar("SELECT count(*) FROM given")


def test_a_loaded_table_hides_one_of_its_name_and_leaves_it_alone(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.run(INSERT, person="a", at=NOON)
    with ledger.write() as tx:
        tx.load("people", pl.DataFrame({"person_id": ["x", "y"]}))
        assert tx.scalar(COUNT) == 2
    assert _count(ledger) == 1


def test_an_empty_frame_is_an_empty_table(ledger: Ledger) -> None:
    schema = pl.Schema({"person_id": pl.String(), "at": pl.Datetime("us", "UTC")})
    with ledger.read() as tx:
        tx.load("given", pl.DataFrame(schema=schema))
        assert_frame_equal(tx.frame("SELECT * FROM given", schema), pl.DataFrame(schema=schema))


def test_columns_may_be_called_like_words_of_sql(ledger: Ledger) -> None:
    with ledger.read() as tx:
        tx.load("given", pl.DataFrame({"order": [1], "group": ["x"]}))
        assert tx.one('SELECT "order", "group" FROM given') == {"order": 1, "group": "x"}


def test_values_need_no_cast_and_percent_signs_no_care(ledger: Ledger) -> None:
    query = (
        "SELECT CASE WHEN :since IS NULL THEN 'open' ELSE 'from' END AS word, 'a%b' AS sign,"
        " :text AS text WHERE 'ab:c' LIKE 'a%'"
    )
    with ledger.read() as tx:
        assert tx.one(query, since=None, text="it's 100%") == {
            "word": "open",
            "sign": "a%b",
            "text": "it's 100%",
        }


def test_truth_and_time_are_numbers(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.run(INSERT, person="a", at=True)
        tx.run(INSERT, person="b", at=NOON)
        found = tx.scalar("SELECT count(*) FROM people WHERE created_at IN (1, :at)", at=NOON)
    assert found == 2


def test_sums_of_whole_numbers_are_whole(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.load("given", pl.DataFrame({"n": [2**40, 2]}))
        found = tx.one("SELECT sum(n) AS total, avg(n - n + 1.5) AS middle FROM given")
    assert found == {"total": 2**40 + 2, "middle": 1.5}
    assert isinstance(found["total"], int)


def test_numbers_of_rows_are_given_in_order(ledger: Ledger) -> None:
    insert = (
        "INSERT INTO inbox (source, received_at, history, body) VALUES ('s', 1, 0, :body)"
        " RETURNING inbox_id"
    )
    with ledger.write() as tx:
        numbers = [tx.scalar(insert, body=b"\x00{}") for _ in range(3)]
        assert tx.scalar("SELECT body FROM inbox LIMIT 1") == b"\x00{}"
        tx.run("DELETE FROM inbox")
        numbers.append(tx.scalar(insert, body=b""))
    assert numbers == sorted(set(numbers))


def test_migrating_again_changes_nothing(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.run(INSERT, person="a", at=NOON)
    ledger.migrate()
    assert _count(ledger) == 1


def test_looking_whether_to_migrate_waits_for_nobody(ledger: Ledger) -> None:
    hasty = Ledger(ledger.url, wait=0.05)
    with ledger.write() as tx:
        tx.run(INSERT, person="a", at=NOON)
        hasty.migrate()
    hasty.close()


def test_a_ledger_of_the_future_is_refused(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(HomeError, match="newer Courtesy"):
        ledger.migrate()


def test_two_processes_may_migrate_at_once(url: str) -> None:
    ledgers = [Ledger(url) for _ in range(3)]
    threads = [threading.Thread(target=one.migrate) for one in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(ledgers[0]) == 0
    for one in ledgers:
        one.close()


def _shape(url: str) -> dict[str, object]:
    engine = create_engine(url)
    look = inspect(engine)
    shape: dict[str, object] = {
        table: {
            "columns": [(c["name"], c["nullable"]) for c in look.get_columns(table)],
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted(
                (str(i["name"]), tuple(i["column_names"]), bool(i["unique"]))
                for i in look.get_indexes(table)
            ),
        }
        for table in look.get_table_names()
    }
    engine.dispose()
    return shape


def test_both_ledgers_have_the_same_tables(
    tmp_path: Path, new_postgresql: Callable[[], str]
) -> None:
    urls = [f"sqlite:///{tmp_path / 'ledger.db'}", new_postgresql()]
    for url in urls:
        ledger = Ledger(url)
        ledger.migrate()
        ledger.close()
    sqlite, postgresql = map(_shape, urls)
    assert len(sqlite) > 10
    assert sqlite == postgresql


def test_a_server_that_is_not_there_is_a_home_error(new_postgresql: Callable[[], str]) -> None:
    absent = Ledger(f"{new_postgresql()}_gone?application_name=secret-word")
    with pytest.raises(HomeError, match="does not exist") as caught:
        absent.migrate()
    assert "secret-word" not in str(caught.value)
    absent.close()
