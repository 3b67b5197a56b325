"""A ledger on a disk that fills up, and one that is none."""

from pathlib import Path

import polars as pl
import pytest

from courtesy.ground.ledger import Ledger
from courtesy.ground.primitives.errors import HomeError

_COUNT = "SELECT count(*) FROM people"
_INSERT = "INSERT INTO people (person_id, created_at) SELECT person_id, 0 FROM given"


def _people(prefix: str, many: int) -> pl.DataFrame:
    return pl.DataFrame({"person_id": [f"{prefix}{number:032}" for number in range(many)]})


def _add(ledger: Ledger, people: pl.DataFrame) -> None:
    with ledger.write() as tx:
        tx.load("given", people)
        tx.run(_INSERT)


def _count(ledger: Ledger) -> int:
    with ledger.read() as tx:
        return int(tx.scalar(_COUNT))


def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_space(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"\0" * 2**20)
    ledger = Ledger(f"sqlite:///{small_disk / 'ledger.db'}")
    ledger.migrate()
    _add(ledger, _people("early", 10))
    with pytest.raises(HomeError, match="full") as caught:
        _add(ledger, _people("late", 50_000))
    assert caught.value.place.endswith("ledger.db")
    assert _count(ledger) == 10
    filler.unlink()
    _add(ledger, _people("late", 1_000))
    assert _count(ledger) == 1_010
    with ledger.read() as tx:
        assert tx.scalar("PRAGMA integrity_check") == "ok"
    ledger.close()


def test_a_file_that_is_no_ledger_is_a_home_error(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.write_text("These are not the tables you are looking for. " * 100)
    with pytest.raises(HomeError, match="not a database") as caught:
        Ledger(f"sqlite:///{file}").migrate()
    assert str(file) in caught.value.message


def test_a_folder_that_is_not_there_is_a_home_error(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="unable to open"):
        Ledger(f"sqlite:///{tmp_path / 'absent' / 'ledger.db'}").migrate()


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "mysql://somebody:secret-word@host/name", "sqlite://:port:/x"]
)
def test_a_url_of_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(HomeError, match="A ledger is") as caught:
        Ledger(url)
    assert "secret-word" not in str(caught.value)
