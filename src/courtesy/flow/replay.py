"""History through the very same flow, on a virtual clock, at full speed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.absorb import absorb
from courtesy.flow.deliver import deliver, recover
from courtesy.flow.night import night
from courtesy.flow.scratch import REPLAY
from courtesy.flow.tick import tick
from courtesy.flow.trigger import Turn, trigger_journeys, watched
from courtesy.ground.ledger import progress
from courtesy.ground.primitives.clock import VirtualClock, ceiling
from courtesy.ground.primitives.errors import DeliveryError, InputError, NotFoundError
from courtesy.ground.rules.literals import listed, timestamp
from courtesy.stages.events import EVENTS
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import store as messages_store
from courtesy.stages.messages.outbox import store as outbox_store
from courtesy.stages.profiles import store as profiles_store

_DAY = timedelta(days=1)
_NIGHT = timedelta(hours=3)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_AFTER = timedelta(days=90)


@dataclass(frozen=True)
class Replayed:
    """What a replay came through: its time, and how much happened in it."""

    start: datetime
    end: datetime
    events: int
    entered: int
    sent: int
    people: int


Watch = Callable[[datetime, int], None]


def replay(  # noqa: PLR0913 - what to walk, how far, how finely
    app: App,
    clock: VirtualClock,
    *,
    end: datetime,
    step: timedelta,
    settle: bool = True,
    watch: Watch = lambda _at, _sent: None,
    reaching: int | None = None,
) -> Replayed:
    """Walk the history from where the clock stands to ``end``, then until nobody waits.

    Time moves in whole steps, from one at which something happens to the next. What was replayed
    before is not replayed again, so an interrupted replay goes on where it stopped. What comes back
    of its sends becomes history at each night and at the end.

    Args:
        app: wired with ``clock``.
        clock: stands where the history begins.
        end: the last instant whose events count.
        step: how finely time is cut.
        settle: go on after ``end`` (90 days at the most) until everybody who waits has moved on.
        watch: told the instant and the number of messages sent so far, once for each step.
        reaching: stop before a step after which more people than this were written to.

    Raises:
        InputError: the step is not longer than nothing.
        HomeError: the disk is full or the ledger is locked; run it again to go on.
        DeliveryError: a channel's provider cannot be used; nothing is lost, run it again to go on.
    """
    if step <= timedelta():
        raise InputError("A step of time is longer than nothing.")
    walk = _Walk(app, clock, step, watch, reaching)
    start = walk.begin()
    for events, until in _days(app, walk.seen, end, step):
        walk.through(events, until)
    if settle:
        walk.through(_nothing(), end + _LONGEST_AFTER, idle=True)
    absorb(app)
    with app.ledger.read() as transaction:
        people = outbox_store.people_reached(transaction, start - _DAY)
    return Replayed(start, clock.now(), walk.events, walk.entered, walk.sent, people)


def period(app: App) -> tuple[datetime, datetime]:
    """When the first and the last event of the history happened.

    Raises:
        NotFoundError: there is no event.
    """
    sql = "SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM events"
    first, last = app.engine.query(sql, tables=[EVENTS], frames={}).row(0)
    if first is None:
        raise NotFoundError("The home holds no events; import some first.")
    return first, last


def _days(
    app: App, after: datetime, end: datetime, step: timedelta
) -> Iterator[tuple[pl.DataFrame, datetime]]:
    """The events that journeys watch, in order of time, a day or so at a time.

    Each ends with a step, so that no event falls between the last step of one and the next.
    """
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
    names = listed(sorted(watched(definitions)) or [""])
    while after < end:
        until = min(ceiling(after + _DAY, step), end)
        between = f"occurred_at > {timestamp(after)} AND occurred_at <= {timestamp(until)}"
        found = app.engine.query(
            "SELECT person_id, event, properties, occurred_at, message_id FROM events "  # noqa: S608 - literals
            f"WHERE event IN {names} AND {between} ORDER BY occurred_at, message_id",
            tables=[EVENTS],
            frames={},
        )
        with app.ledger.read() as transaction:
            yield profiles_store.current(transaction, found), until
        after = until


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"occurred_at": pl.Datetime("us", "UTC")})


class _Walk:
    """Where a replay stands; ``seen`` is the instant up to which events have set things off."""

    def __init__(
        self,
        app: App,
        clock: VirtualClock,
        step: timedelta,
        watch: Watch,
        reaching: int | None,
    ) -> None:
        self._app, self._clock, self._step, self._watch = app, clock, step, watch
        self._reaching = reaching
        self.seen = clock.now()
        self._next_night = clock.now()
        self.events = self.entered = self.sent = 0

    def begin(self) -> datetime:
        """Stand where the replay begins or goes on; returns that instant."""
        recover(self._app)
        with self._app.ledger.read() as transaction:
            reached = progress.reached(transaction, REPLAY)
        start = max(self._clock.now(), reached or self._clock.now())
        self.seen = reached or start - _MICROSECOND
        self._clock.move(start)
        self._next_night = _night_after(start)
        return start

    def through(self, events: pl.DataFrame, until: datetime, *, idle: bool = False) -> None:
        """Go on to ``until``; when ``idle``, stop as soon as nobody waits for anything."""
        while (moment := self._next(events, until, idle=idle)) is not None:
            self._clock.move(moment)
            self._trigger(events, moment)
            if moment >= self._next_night:
                absorb(self._app)
                night(self._app)
                self._next_night = _night_after(moment)
            tick(self._app)
            self._deliver()
            self._watch(moment, self.sent)
        if not idle:
            self._clock.move(max(until, self._clock.now()))

    def _deliver(self) -> None:
        if self._reaching is not None:
            self._check_reach(self._reaching)
        done = deliver(self._app)
        self.sent += done.sent
        if done.provider_failure:
            raise DeliveryError(done.provider_failure, place=f"{self._clock.now():%Y-%m-%d %H:%M}")

    def _check_reach(self, most: int) -> None:
        with self._app.ledger.read() as transaction:
            people = outbox_store.people_reached(transaction, self._clock.now())
        if people > most:
            raise InputError(
                f"{people:,} people would have been written to by now, and --reaching says "
                f"{most:,}. What was sent stays sent; run it again with more to go on."
            )

    def _next(self, events: pl.DataFrame, until: datetime, *, idle: bool) -> datetime | None:
        later = events.filter(pl.col("occurred_at") > self.seen)["occurred_at"].min()
        with self._app.ledger.read() as transaction:
            due = [journeys_store.next_due(transaction), messages_store.next_due(transaction)]
        waiting = [at for at in (later, *due) if isinstance(at, datetime)]
        # What happens by ``until`` counts, though its step would end later.
        moments = [
            max(min(ceiling(at, self._step), until), self._clock.now())
            for at in waiting
            if at <= until
        ]
        if not idle:
            moments.append(self._next_night)
        return min((moment for moment in moments if moment <= until), default=None)

    def _trigger(self, events: pl.DataFrame, moment: datetime) -> None:
        just = events.filter(
            (pl.col("occurred_at") > self.seen) & (pl.col("occurred_at") <= moment)
        )
        with self._app.ledger.write() as transaction:
            if not just.is_empty():
                definitions = workspace.in_force(transaction)
                turn = Turn(self._app, transaction, definitions, moment)
                self.entered += trigger_journeys(turn, just, in_order=True)
            progress.reach(transaction, REPLAY, moment)
        self.events += len(just)
        self.seen = moment


def _night_after(moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    tonight = midnight + _NIGHT
    return tonight if tonight > moment else tonight + _DAY
