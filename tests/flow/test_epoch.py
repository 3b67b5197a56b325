"""A ledger and a lake that do not belong together are found before anything is accepted."""

import json
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app, open_parts
from courtesy.flow import absorb, deliver, publish, repair, tick
from courtesy.ground.lake import Lake
from courtesy.ground.lake.epoch import epoch_of, epochs
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import PairError
from courtesy.stages.events import EVENTS, Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FILES = {
    "policy.yaml": """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
""",
    "templates/hello.html": """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
""",
    "journeys/welcome.yaml": """
journey: welcome
topic: offers
holdout: 20%
entry: {event: Signed Up}
steps:
  - send: {template: hello}
  - wait: 1d
  - send: {template: hello}
""",
}


class Sink:
    """Takes every letter and keeps its Message-ID."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's name
        text = getattr(envelope, "content", b"").decode(errors="replace")
        self.taken += [line for line in text.splitlines() if line.lower().startswith("message-id:")]
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[tuple[Sink, str]]:
    kept = Sink()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, f"smtp://127.0.0.1:{port}"
    controller.stop()


class Home:
    """A home whose server stops and starts: all that is between is in its files."""

    def __init__(self, folder: Path, smtp_url: str = "smtp://127.0.0.1:25") -> None:
        self.folder = folder
        self.clock = VirtualClock(START)
        self.settings = Settings(smtp_url=SecretStr(smtp_url), public_url="https://b.example")

    @contextmanager
    def opened(self, wire: Callable[..., App] = open_app) -> Iterator[App]:
        app = wire(self.folder, clock=self.clock, settings=self.settings)
        try:
            yield app
        finally:
            app.close()

    def make(self) -> None:
        make_home(self.folder, self.settings)
        with self.opened() as app, app.ledger.write() as transaction:
            folder = self.folder / "definitions"
            write(folder)
            workspace.apply(transaction, folder, self.clock.now())

    def accept(self, people: Sequence[str]) -> None:
        with self.opened() as app:
            accept(app, people, self.clock.now())

    def work(self) -> None:
        self.clock.move(self.clock.now() + timedelta(minutes=1))
        with self.opened() as app:
            work(app)

    def copy_ledger(self, into: Path) -> None:
        ledger, copy = sqlite3.connect(self.folder / "ledger.db"), sqlite3.connect(into)
        with closing(ledger), closing(copy):
            ledger.backup(copy)

    def put_ledger(self, old: Path) -> None:
        for path in self.folder.glob("ledger.db*"):
            path.unlink()
        shutil.copy(old, self.folder / "ledger.db")

    def people_in_lake(self, event: str = "Signed Up") -> list[str]:
        sql = f"SELECT user_id FROM events WHERE event = '{event}' ORDER BY user_id"  # noqa: S608 - ours
        with self.opened() as app:
            return app.engine.query(sql, tables=[EVENTS], frames={})["user_id"].to_list()


def write(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def accept(app: App, people: Sequence[str], now: datetime) -> None:
    consent = {"topic": "offers", "channel": "email", "granted": True}
    for name in people:
        who = {"userId": name, "type": "identify", "messageId": f"i-{name}"}
        traits = {"email": f"{name}@people.example", "timezone": "Europe/Berlin"}
        told = {**who, "traits": traits, "context": {"consents": [consent]}}
        done = {"userId": name, "type": "track", "event": "Signed Up", "messageId": f"s-{name}"}
        body = json.dumps({"batch": [told, done]}).encode()
        with app.ledger.write() as transaction:
            events_store.accept(transaction, [Accepted("shop", now, collect(body, "batch"))])


def work(app: App) -> None:
    absorb(app)
    tick(app)
    deliver(app)
    absorb(app)
    publish(app)


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:03}" for number in range(count)]


@pytest.fixture
def home(tmp_path: Path, sink: tuple[Sink, str]) -> Home:
    made = Home(tmp_path / "home", sink[1])
    made.make()
    return made


def test_an_older_ledger_is_refused_and_repaired(
    home: Home, sink: tuple[Sink, str], tmp_path: Path
) -> None:
    home.accept(names("a", 10))
    home.work()
    home.accept(names("b", 5))
    home.copy_ledger(tmp_path / "old.db")
    home.work()
    for number in range(4):
        home.accept(names(f"c{number}", 5))
        home.work()
    home.clock.move(home.clock.now() + timedelta(days=1))
    home.work()
    before = list(sink[0].taken)
    assert len(set(before)) == len(before) > 40

    home.put_ledger(tmp_path / "old.db")
    with pytest.raises(PairError, match=r"events that this ledger knows nothing of.*repair"):
        home.accept(names("d", 1))
    with home.opened(open_parts) as app:
        done = repair(app)
        assert repair(app).reason == ""
    assert {found.what: found.count for found in done.found} == {
        "Calls that wait, in the lake already": 10,
        "Events that the ledger lacks": done.found[1].count,
        "Sends that the ledger lacks": done.found[2].count,
        "Messages due, perhaps sent": 0,
        "Exposures that the ledger lacks": done.found[4].count,
        "Exposures that the lake lacks": 0,
        "Events in the lake twice": 0,
    }
    home.work()
    home.clock.move(home.clock.now() + timedelta(days=2))
    home.work()
    assert sink[0].taken == before

    home.accept(names("d", 30))
    home.accept(names("a", 10))
    home.work()
    everybody = [*names("a", 10), *names("b", 5), *names("d", 30)]
    everybody += [name for number in range(4) for name in names(f"c{number}", 5)]
    assert home.people_in_lake() == sorted(everybody)
    with home.opened() as app, app.ledger.read() as transaction:
        people = transaction.scalar("SELECT count(*) FROM people")
        traits = transaction.scalar("SELECT count(*) FROM traits WHERE name = 'email'")
        sent = transaction.scalar("SELECT count(*) FROM messages WHERE state = 'sent'")
        exposed = transaction.scalar("SELECT count(*) FROM exposures")
        assert (people, traits) == (65, 65)
        assert exposed == 65
    assert len(set(sink[0].taken)) == len(sink[0].taken) == sent
    with home.opened() as app:
        found = app.engine.query(
            "SELECT count(*) AS n, count(DISTINCT person_id) AS p FROM exposures",
            tables=[EXPOSURES],
            frames={},
        )
        assert found.row(0) == (65, 65)


def test_a_crash_between_lake_and_ledger_is_no_mismatch(home: Home, tmp_path: Path) -> None:
    home.accept(names("a", 3))
    home.copy_ledger(tmp_path / "before.db")
    with home.opened() as app:
        absorb(app)
    home.put_ledger(tmp_path / "before.db")
    home.work()
    assert home.people_in_lake() == names("a", 3)


def test_an_older_lake_is_refused_and_what_it_lacks_can_come_again(
    home: Home, tmp_path: Path
) -> None:
    home.accept(names("a", 3))
    home.work()
    shutil.copytree(home.folder / "lake", tmp_path / "old")
    home.accept(names("b", 3))
    home.work()
    shutil.rmtree(home.folder / "lake")
    shutil.copytree(tmp_path / "old", home.folder / "lake")
    with pytest.raises(PairError, match="lacks events that this ledger knows of"):
        home.work()
    with home.opened(open_parts) as app:
        repair(app)
    home.accept([*names("a", 3), *names("b", 3)])
    home.work()
    assert home.people_in_lake() == [*names("a", 3), *names("b", 3)]


@pytest.mark.parametrize("lost", ["lake", "lake/events", "lake/exposures"])
def test_a_lost_table_is_refused(home: Home, lost: str) -> None:
    home.accept(names("a", 10))
    home.work()
    shutil.rmtree(home.folder / lost)
    with pytest.raises(PairError, match=r"lacks (events|exposures) that this ledger knows of"):
        home.accept(names("b", 1))
    with home.opened(open_parts) as app:
        repair(app)
    home.accept(names("a", 10))
    home.work()
    assert home.people_in_lake() == names("a", 10)
    with home.opened() as app:
        found = app.engine.query("SELECT * FROM exposures", tables=[EXPOSURES], frames={})
        assert found["person_id"].n_unique() == found.height == 10


@pytest.mark.parametrize("known", [True, False])
def test_a_strange_lake_is_refused(home: Home, tmp_path: Path, *, known: bool) -> None:
    other = Home(tmp_path / "other")
    other.make()
    if known:
        home.accept(names("a", 2))
        home.work()
    other.accept(names("z", 2))
    with other.opened() as app:
        absorb(app)
    shutil.rmtree(home.folder / "lake")
    shutil.copytree(other.folder / "lake", home.folder / "lake")
    with pytest.raises(PairError, match="The lake belongs to another ledger"):
        home.accept(names("b", 1))
    (home.folder / "lake" / "epoch").unlink()
    with pytest.raises(PairError):
        home.accept(names("b", 1))


def test_a_new_ledger_beside_a_lake_learns_who_is_in_it(home: Home) -> None:
    home.accept(names("a", 4))
    home.work()
    for path in home.folder.glob("ledger.db*"):
        path.unlink()
    make_home(home.folder)
    with pytest.raises(PairError, match="belongs to another ledger"):
        home.accept(names("b", 1))
    with home.opened(open_parts) as app:
        repair(app)
    home.accept([*names("a", 4), *names("b", 2)])
    home.work()
    assert home.people_in_lake() == [*names("a", 4), *names("b", 2)]


def test_two_copies_of_a_home_go_their_own_ways_and_do_not_mix(home: Home, tmp_path: Path) -> None:
    home.accept(names("a", 2))
    home.work()
    shutil.copytree(home.folder, tmp_path / "copy")
    other = Home(tmp_path / "copy")
    for each, prefix in ((home, "b"), (other, "c")):
        each.accept(names(prefix, 2))
        with each.opened() as app:
            absorb(app)
    assert home.people_in_lake() == [*names("a", 2), *names("b", 2)]
    assert other.people_in_lake() == [*names("a", 2), *names("c", 2)]
    home.copy_ledger(tmp_path / "mine.db")
    other.put_ledger(tmp_path / "mine.db")
    with pytest.raises(PairError):
        other.accept(names("d", 1))


def as_before_epochs(home: Home) -> None:
    """The home as a Courtesy left it that knew no epochs: its writers had fixed names."""
    with home.opened() as app:
        numbered = app.engine.query("SELECT * FROM events", tables=[EVENTS], frames={})
        with app.ledger.write() as transaction:
            upto = events_store.newest(transaction)
            transaction.run("DELETE FROM epochs")
            transaction.run("DELETE FROM landings")
        shutil.rmtree(home.folder / "lake")
        lake = Lake(home.folder / "lake")
        lake.append(EVENTS, numbered, writer="inbox", version=upto)


def test_a_home_without_an_epoch_gets_one_and_goes_on(home: Home) -> None:
    home.accept(names("a", 2))
    home.work()
    as_before_epochs(home)
    home.accept(names("b", 2))
    home.work()
    assert home.people_in_lake() == [*names("a", 2), *names("b", 2)]
    with home.opened() as app, app.ledger.read() as transaction:
        assert epochs(transaction) == [epoch_of(app.lake)]


def test_an_older_ledger_without_an_epoch_is_refused(home: Home, tmp_path: Path) -> None:
    home.accept(names("a", 2))
    home.work()
    home.copy_ledger(tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "old.db")) as old, old:
        old.execute("DELETE FROM epochs")
        old.execute("DELETE FROM landings")
    home.accept(names("b", 2))
    home.work()
    as_before_epochs(home)
    home.put_ledger(tmp_path / "old.db")
    with pytest.raises(PairError, match="holds events that this ledger knows nothing of"):
        home.accept(names("c", 2))
    with home.opened(open_parts) as app:
        repair(app)
    home.accept(names("c", 2))
    home.work()
    assert home.people_in_lake() == [*names("a", 2), *names("b", 2), *names("c", 2)]


def test_a_repair_that_was_interrupted_is_done_again(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.accept(names("a", 4))
    home.work()
    home.copy_ledger(tmp_path / "old.db")
    home.accept(names("b", 4))
    home.work()
    home.put_ledger(tmp_path / "old.db")
    for part in ("_doubt", "_give_exposures", "_begin"):
        with monkeypatch.context() as patch, home.opened(open_parts) as app:
            patch.setattr(sys.modules[repair.__module__], part, _die)
            with pytest.raises(KeyboardInterrupt):
                repair(app)
        with pytest.raises(PairError):
            home.work()
    with home.opened(open_parts) as app:
        assert repair(app).reason
    home.accept([*names("b", 4), *names("c", 4)])
    home.work()
    assert home.people_in_lake() == [*names("a", 4), *names("b", 4), *names("c", 4)]
    with home.opened() as app:
        found = app.engine.query("SELECT * FROM exposures", tables=[EXPOSURES], frames={})
        assert found["person_id"].n_unique() == found.height == 12


def _die(*_: object) -> None:
    raise KeyboardInterrupt
