"""A home is kept while it is used, checked to the byte, and made again with an epoch of its own."""

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from courtesy.app import App, Settings, make_home, open_app
from courtesy.flow import absorb
from courtesy.flow.backup import back_up, restore
from courtesy.ground.lake import Lake
from courtesy.ground.lake.epoch import epoch_of
from courtesy.ground.primitives.clock import SystemClock, VirtualClock
from courtesy.ground.primitives.errors import CourtesyError, DataError, InputError, PairError
from courtesy.stages.events import EVENTS, Accepted, collect
from courtesy.stages.events import store as events_store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home", clock=VirtualClock(START))
    yield opened
    opened.close()


def accept(app: App, name: str) -> None:
    call = {"userId": name, "event": "Signed Up", "messageId": name}
    collected = collect(json.dumps(call).encode(), "track")
    with app.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("shop", START, collected)])


def in_lake(app: App) -> list[str]:
    sql = "SELECT message_id FROM events ORDER BY message_id"
    return list(app.engine.query(sql, tables=[EVENTS], frames={})["message_id"])


@pytest.mark.parametrize("kind", ["folder", "home.tar", "home.tar.gz"])
def test_a_restored_home_goes_on_where_it_was_kept(app: App, tmp_path: Path, kind: str) -> None:
    accept(app, "a")
    absorb(app)
    accept(app, "b")
    kept = tmp_path / kind
    made = back_up(app, kept)
    assert (made.people, made.events) == (1, 1)
    accept(app, "c")
    absorb(app)

    restore(kept, tmp_path / "again", app.clock)
    assert (tmp_path / "again" / "secret").stat().st_mode & 0o777 == 0o600
    again = open_app(tmp_path / "again", clock=VirtualClock(START))
    try:
        assert again.secret == app.secret
        assert epoch_of(again.lake) != epoch_of(app.lake) == made.epoch
        for name in ("a", "d", "e"):
            accept(again, name)
            absorb(again)
        assert in_lake(again) == ["a", "b", "d", "e"]
    finally:
        again.close()
    assert in_lake(app) == ["a", "b", "c"]


def test_a_backup_made_while_events_come_in_belongs_together(app: App, tmp_path: Path) -> None:
    stopped, count = threading.Event(), 0

    def take_in() -> None:
        nonlocal count
        while not stopped.is_set():
            accept(app, f"u{count:04}")
            absorb(app)
            count += 1

    thread = threading.Thread(target=take_in)
    thread.start()
    try:
        kept = [tmp_path / f"kept-{number}" for number in range(3)]
        for folder in kept:
            back_up(app, folder)
    finally:
        stopped.set()
        thread.join()
    for number, folder in enumerate(kept):
        home = tmp_path / f"home-{number}"
        restore(folder, home, SystemClock())
        again = open_app(home)
        absorb(again)
        found = in_lake(again)
        again.close()
        assert found == [f"u{one:04}" for one in range(len(found))]


def damage(kept: Path, how: str) -> None:
    data = next((kept / "lake" / "events").rglob("*.parquet"))
    if how == "changed":
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif how == "missing":
        data.unlink()
    elif how == "more":
        shutil.copy(data, data.with_name("more.parquet"))
    else:
        (kept / "manifest.json").unlink()


@pytest.mark.parametrize("how", ["changed", "missing", "more", "no manifest"])
def test_a_backup_that_is_not_whole_is_refused(app: App, tmp_path: Path, how: str) -> None:
    accept(app, "a")
    absorb(app)
    back_up(app, tmp_path / "kept")
    damage(tmp_path / "kept", how)
    with pytest.raises(DataError):
        restore(tmp_path / "kept", tmp_path / "again", app.clock)
    assert not (tmp_path / "again").exists()


def test_a_packed_backup_that_is_cut_off_is_refused(app: App, tmp_path: Path) -> None:
    back_up(app, tmp_path / "kept.tar.gz")
    whole = (tmp_path / "kept.tar.gz").read_bytes()
    (tmp_path / "kept.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError):
        restore(tmp_path / "kept.tar.gz", tmp_path / "again", app.clock)
    assert not (tmp_path / "again").exists()


def test_nothing_is_overwritten(app: App, tmp_path: Path) -> None:
    back_up(app, tmp_path / "kept")
    back_up(app, tmp_path / "kept.tar")
    for taken in ("kept", "kept.tar", "home"):
        with pytest.raises(InputError):
            back_up(app, tmp_path / taken)
    for taken in ("home", "kept.tar"):
        with pytest.raises(InputError):
            restore(tmp_path / "kept", tmp_path / taken, app.clock)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "kept", "kept.tar"]


def test_a_restored_home_and_its_original_do_not_mix(app: App, tmp_path: Path) -> None:
    accept(app, "a")
    absorb(app)
    back_up(app, tmp_path / "kept")
    restore(tmp_path / "kept", tmp_path / "again", app.clock)
    shutil.rmtree(app.lake.folder)
    shutil.copytree(tmp_path / "again" / "lake", app.lake.folder)
    with pytest.raises(PairError, match="to a later time of this one"):
        open_app(app.home)


def test_a_ledger_elsewhere_is_said(app: App, tmp_path: Path) -> None:
    back_up(app, tmp_path / "kept")
    settings = Settings(ledger_url=SecretStr(f"sqlite:///{tmp_path}/other.db"))
    with pytest.raises(CourtesyError, match="COURTESY_LEDGER_URL"):
        restore(tmp_path / "kept", tmp_path / "again", app.clock, settings)


def test_a_copied_log_without_its_pointer_is_read(app: App, tmp_path: Path) -> None:
    for number in range(45):
        accept(app, f"u{number:02}")
        absorb(app)
    assert (app.lake.folder / "events" / "_delta_log" / "_last_checkpoint").exists()
    back_up(app, tmp_path / "kept")
    copied = Lake(tmp_path / "kept" / "lake")
    assert copied.newest(EVENTS)[0] == app.lake.newest(EVENTS)[0]
    assert len(copied.files(EVENTS)) == len(app.lake.files(EVENTS))
