"""The demo from start to end: the world and the system take turns, one simulated hour at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from pydantic import SecretStr

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app
from courtesy.doors.demo.client import Client
from courtesy.doors.demo.home import Note, clear, put_note
from courtesy.doors.demo.postbox import Postbox
from courtesy.doors.demo.reading import addresses
from courtesy.doors.demo.shop import batches
from courtesy.doors.demo.truth import Span, Truth, true_effect
from courtesy.doors.demo.world import NUDGES, QUESTIONS, TEST, Scale, World
from courtesy.flow import absorb, deliver, night, start_pilot, tick
from courtesy.flow.lift.subjects import subject
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.lift.plan import window
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles.model import USER

START = datetime(2026, 3, 2, tzinfo=UTC)
WORKSPACE = Path(__file__).parent / "workspace"
PUBLIC_URL = "https://mail.quillberry.example"

_SOURCE = "quillberry-app"
_EVERY = 8
_DAY, _NIGHT = 24, 8
_HOUR = timedelta(hours=1)
_ALL = 10**9
_SUBJECTS = [nudge.subject for nudge in NUDGES]
Watch = Callable[[int], None]


def run(home: Path, scale: Scale, watch: Watch = lambda _hour: None) -> Note:
    """Simulate a world against a fresh home, which then holds everything that happened.

    Args:
        home: a folder that does not exist, is empty or is an earlier demo's.
        scale: how many people, for how long, with which luck.
        watch: told the number of hours that have passed.

    Returns:
        What was simulated, with the true effect of each journey and test.

    Raises:
        HomeError: the folder is somebody's own, or cannot be written.
    """
    clear(home)
    put_note(home, Note(scale.people, scale.days, scale.seed, START))
    with Postbox() as postbox:
        settings = Settings(
            ledger_url=SecretStr(""), smtp_url=SecretStr(postbox.url), public_url=PUBLIC_URL
        )
        clock = VirtualClock(START)
        make_home(home, settings)
        app = open_app(home, clock=clock, settings=settings)
        try:
            note = _run(app, clock, postbox, scale, watch)
        finally:
            app.close()
    put_note(home, note)
    return note


def _run(app: App, clock: VirtualClock, postbox: Postbox, scale: Scale, watch: Watch) -> Note:
    write_key = digest("demo", str(scale.seed))
    with app.ledger.write() as transaction:
        events_store.add_source(transaction, _SOURCE, write_key, START)
    world = World(scale, START)
    with Client(app, write_key) as client:
        turn = _Turn(app, clock, client, postbox, world)
        turn.move_in()
        _begin(app, scale)
        for hour in range(scale.hours):
            turn.live(hour)
            if (hour + 1) % _EVERY == 0:
                turn.act(hour + 1)
            watch(hour + 1)
    absorb(app)  # what the last letters brought back
    return Note(scale.people, scale.days, scale.seed, clock.now(), _truths(app, world))


def _begin(app: App, scale: Scale) -> None:
    """What the shop brought is history by now: nothing that is put in force looks at it as news."""
    with app.ledger.write() as transaction:
        workspace.apply(transaction, WORKSPACE, START)
    try:
        start_pilot(app, TEST)
    except DataError:  # so few people have no history to size from
        start_pilot(app, TEST, scale.people)


@dataclass(frozen=True)
class _Turn:
    """The world lives hour by hour; the system acts on it three times a day."""

    app: App
    clock: VirtualClock
    client: Client
    postbox: Postbox
    world: World

    def move_in(self) -> None:
        """The shop brings its customers and what they did lately."""
        self.client.post(batches(self.world.past(), self.clock.now()))
        absorb(self.app)

    def live(self, hour: int) -> None:
        """What people do within an hour: in the app, and with the mail they have."""
        calls = self.world.hour(hour)
        self.clock.move(START + (hour + 1) * _HOUR)
        self.client.post(batches(calls, self.clock.now()))
        self._read(hour)

    def act(self, hour: int) -> None:
        """What the system makes of it, and the post that comes of that."""
        absorb(self.app)
        if hour % _DAY == _NIGHT:
            night(self.app)
        tick(self.app)
        letters = self.postbox.take(deliver(self.app).sent)
        self.world.readers.receive(letters, hour, _SUBJECTS)

    def _read(self, hour: int) -> None:
        """People look into their mail; what they read acts from the next hour on."""
        readings = self.world.readers.at(hour)
        if not readings:
            return
        found = [addresses(reading.letter) for reading in readings]
        both = list(zip(readings, found, strict=True))
        self.client.open(found)
        self.client.follow([where for reading, where in both if reading.clicks])
        self.client.leave([where for reading, where in both if reading.leaves])
        self.world.read(readings, hour + 1)


def _truths(app: App, world: World) -> list[Truth]:
    """The answers to all questions, by what the workspace measures a journey or a test with."""
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        exposed = _exposed(transaction, world)
        found = []
        for life, question in enumerate(QUESTIONS, start=1):
            deciding = subject(app, transaction, definitions, question.name, ()).metrics[0]
            span = Span(window(deciding), app.clock.now())
            found.append(true_effect(world.lives, life, exposed, question, span))
    return found


def _exposed(transaction: Transaction, world: World) -> pl.DataFrame:
    """Whom the system exposed to what, with the index of each ``person``."""
    exposures = experiments_store.since(transaction, 0, _ALL)
    names = pl.DataFrame({USER: world.people.user_id}).with_row_index("person")
    nobody = pl.lit(None, dtype=pl.String)
    asked = names.with_columns(anonymous_id=nobody, previous_id=nobody)
    known = profiles_store.known(transaction, asked).rename({"value": USER})
    numbered = known.join(names, on=USER).select("person_id", pl.col("person").cast(pl.Int64))
    return exposures.join(numbered, on="person_id", how="inner", maintain_order="left")
