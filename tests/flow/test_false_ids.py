"""Ids that are none make nobody one person, and the reason is told."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_false_ids_are_left_out_and_told(tmp_path: Path, field: Callable[[str], Path]) -> None:
    app = _absorbed(tmp_path, field("ids/batch-undefined.json"))
    # i2 to i5 count for the anonymous id alone; i6 tells whose anon-1 is.
    assert _people(app) == 5
    with app.ledger.read() as transaction:
        told = events_store.rejections(transaction, 10).select("place", "reason").unique().rows()
    app.close()
    assert sorted(told) == [
        ("userId", "userId is no id; found '[object Object]'."),
        ("userId", "userId is no id; found 'null'."),
        ("userId", "userId is no id; found 'undefined'."),
    ]


def test_numbers_are_one_person_and_long_ones_stay_apart(
    tmp_path: Path, field: Callable[[str], Path]
) -> None:
    app = _absorbed(tmp_path, field("ids/batch-numbers.json"))
    # 55520, 157963456373623802, the two cards, n-x and 1000; each event counts once.
    assert _people(app) == 6
    app.close()


def _absorbed(home: Path, batch: Path) -> App:
    make_home(home)
    app = open_app(home, clock=VirtualClock(NOW))
    with app.ledger.write() as transaction:
        accepted = Accepted("shop", NOW, collect(batch.read_bytes(), "batch"))
        events_store.accept(transaction, [accepted])
    assert absorb(app).duplicates == 0
    return app


def _people(app: App) -> int:
    with app.ledger.read() as transaction:
        return int(transaction.scalar("SELECT count(*) FROM people"))
