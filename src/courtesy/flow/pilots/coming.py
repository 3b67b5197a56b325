"""Who would have come to an experiment in the past, when, and what is not known of that."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from courtesy.flow.holdouts import after_entry, counts_entry
from courtesy.flow.pilots.enclosing import enclosing, left_alone
from courtesy.flow.pilots.then import held, known_now
from courtesy.flow.pilots.way import Way, arrived
from courtesy.flow.trigger import Turn, matching
from courtesy.ground.rules import Condition
from courtesy.ground.rules.literals import literal, timestamp
from courtesy.stages.audiences import evaluate
from courtesy.stages.audiences.store import members, population
from courtesy.stages.events import EVENTS
from courtesy.stages.experiments import EXPOSED, Experiment
from courtesy.stages.journeys import Journey, Trial
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Workspace

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_INSTANT = EXPOSED["exposed_at"]
_NEVER = pl.lit(None, dtype=_INSTANT)
_COLUMNS = ("person_id", "came_at", "exposed_at", "entry")


@dataclass(frozen=True)
class Lately:
    """The look-back: it ends so early that everybody seen in it has had the time to respond."""

    turn: Turn
    start: datetime
    end: datetime

    def earlier(self, length: timedelta) -> "Lately":
        """The same so much before."""
        return replace(self, start=self.start - length, end=self.end - length)


@dataclass(frozen=True)
class Coming:
    """People who came, or would have come.

    ``people``: one row for each: ``person_id``; ``came_at``: when they count for the pace, and
    ``exposed_at``: when the arms would have differed, both before the look-back's end; ``entry``;
    and ``free``: the share (0 to 1) of such people whom no holdout leaves alone. ``counted`` says
    how they were found, ``left_out`` what was not looked at; both for people. ``delay``: how long
    it took from the way in to the test at the most.
    """

    people: pl.DataFrame
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    delay: timedelta = field(default=timedelta(0))


def coming(lately: Lately, experiment: Experiment) -> Coming:
    """Whoever would have come to the experiment within the look-back, each once.

    By a journey: those who passed its test, where that ran for half of the look-back at least;
    else those who would have entered and come to the test. As a flag: all who were active and may
    take part.
    """
    definitions = lately.turn.definitions
    journeys = journeys_of(definitions, experiment.name)
    found = [
        _free(definitions, journey, _by_journey(lately, Way(journey, experiment.name)))
        for journey in journeys
    ] or [_free(definitions, None, _by_flag(lately, experiment.eligible))]
    together = pl.concat([one.people for one in found]).sort("exposed_at", "person_id", "entry")
    return Coming(
        together.unique("person_id", keep="first", maintain_order=True),
        tuple(said for one in found for said in one.counted),
        tuple(said for one in found for said in one.left_out),
        max(one.delay for one in found),
    )


def journeys_of(definitions: Workspace, name: str) -> list[Journey]:
    """The journeys in force that test it."""
    return [journey for journey in definitions.journeys.values() if name in journey.tested]


def _free(definitions: Workspace, journey: Journey | None, found: Coming) -> Coming:
    """With the share that is not left alone by the holdouts before the test."""
    holdouts = [(name, share) for name, share in enclosing(definitions.policy, journey) if share]
    people = found.people.with_columns(pl.lit(1 - left_alone(holdouts)).alias("free"))
    said = [f"{share:.1%} by the holdout {name}" for name, share in holdouts]
    told = [f"of these left alone: {', '.join(said)}"] if said else []
    return replace(found, people=people, counted=(*found.counted, *told))


def _by_journey(lately: Lately, way: Way) -> Coming:
    passed = _passed(lately, way)
    first = passed["exposed_at"].min()
    if isinstance(first, datetime) and first <= lately.start + (lately.end - lately.start) / 2:
        name = way.journey.name
        return Coming(passed, (f"{name}: {passed.height:,} people passed the test",))
    return _walked(lately.earlier(way.longest), way)


def _passed(lately: Lately, way: Way) -> pl.DataFrame:
    """Who passed the test within the look-back, in versions with the same way to it."""
    versions = lately.turn.definitions.versions
    rows = [
        (version, node.step)
        for (name, version), journey in versions.items()
        if name == way.journey.name and Way(journey, way.test).alike == way.alike
        for node in journey.nodes.values()
        if isinstance(node, Trial) and way.ends_at(node)
    ]
    places = pl.DataFrame(rows, {"version": pl.Int64(), "step": pl.String()}, orient="row")
    passages = journeys_store.passed(
        lately.turn.transaction, way.journey.name, lately.start, lately.end
    )
    here = passages.join(places, on=("version", "step"), how="semi")
    counts = counts_entry(lately.turn.definitions, way.journey)
    exposed = after_entry("passed_at").alias("exposed_at")
    found = here.with_columns(entry_counts=counts).select(
        "person_id", pl.col("passed_at").alias("came_at"), exposed, "entry"
    )
    return _first(found)


def _walked(lately: Lately, way: Way) -> Coming:
    """Who would have entered the journey, and would have come to its test."""
    journey, entry = way.journey, way.journey.entry
    if entry.audience is not None:
        entered, what = _joined(lately, entry.audience), f"became members of {entry.audience}"
        unknown = [f"who was in {entry.audience} for a while only; the others joined evenly"]
    else:
        entered, what, unknown = _invited(lately, journey), f"did {entry.event}", []
    counted = [f"{journey.name}: {_people(entered):,} people {what}"]
    if entry.condition is not None:
        moments = entered.with_columns(at="entered_at", since=_NEVER)
        fit = held(lately.turn, {"fits": entry.condition}, moments).filter("fits")
        entered = fit.select(entered.columns)
        counted.append(f"{_people(entered):,} of them met its condition")
    welcome = _welcome(lately, journey, entered)
    if _people(welcome) < _people(entered):
        counted.append(f"{_people(welcome):,} could enter, as the others had before")
    there = _first(arrived(lately.turn, way, welcome))
    counted.append(f"{there.height:,} came to the test")
    delay = there.select((pl.col("reached_at") - pl.col("entered_at")).max()).item()
    people = there.with_columns(pl.col("came_at") + way.longest).select(_COLUMNS)
    told = (*unknown, *way.untold())
    return Coming(people, (", ".join(counted),), told, delay or timedelta(0))


def _people(rows: pl.DataFrame) -> int:
    return rows["person_id"].n_unique()


def _first(rows: pl.DataFrame) -> pl.DataFrame:
    """The first row of each person."""
    ordered = rows.sort("came_at", "person_id", "entry")
    return ordered.unique("person_id", keep="first", maintain_order=True)


def _invited(lately: Lately, journey: Journey) -> pl.DataFrame:
    """Every event that invites: ``person_id, came_at, entered_at, entry, entry_event_id``."""
    named = f"AND event = {literal(journey.entry.event or '')}"
    events = _events(lately, "person_id, event, properties, occurred_at, message_id", named)
    if journey.entry.where is not None and not events.is_empty():
        events = matching(lately.turn, journey.entry.where, events)
    return events.select(
        "person_id",
        pl.col("occurred_at").alias("came_at"),
        pl.col("occurred_at").alias("entered_at"),
        pl.col("properties").alias("entry"),
        pl.col("message_id").alias("entry_event_id"),
    )


def _welcome(lately: Lately, journey: Journey, entered: pl.DataFrame) -> pl.DataFrame:
    """The invitations that let somebody in: the first of each person, later ones as ``again`` says.

    The last entry from before the look-back counts too.
    """
    standing = journeys_store.standing(lately.turn.transaction, journey.name, entered)
    before = standing.filter(pl.col("last_entered_at") < lately.start)
    last = dict(before.select("person_id", "last_entered_at").iter_rows())
    again, lets_in = journey.entry.again, []
    ordered = entered.sort("came_at", "person_id", "entry")
    for person_id, at in ordered.select("person_id", "entered_at").iter_rows():
        stranger = person_id not in last
        rested = again is not None and not stranger and at > last[person_id]
        lets_in.append(stranger or (rested and at >= last[person_id] + again))
        if lets_in[-1]:
            last[person_id] = at
    return ordered.filter(pl.Series(lets_in, dtype=pl.Boolean))


def _joined(lately: Lately, audience: str) -> pl.DataFrame:
    """Whom the audience meant at the end and not at the start, who are taken to come evenly.

    The others were its members already, so that they do not join again; they come on the first day
    where nobody was ever asked who its members are.
    """
    turn = lately.turn
    when = turn.definitions.audiences[audience].when
    everybody = population(turn.transaction)
    after = _meant(lately, when, everybody, lately.end)
    before = _meant(lately, when, everybody, lately.start)
    joined = after.join(before, on="person_id", how="anti").with_row_index("row")
    days = max((lately.end - lately.start) // _DAY, 1)
    found = joined.select("person_id", day=pl.col("row").cast(pl.Int64) % days)
    if members(turn.transaction, audience).is_empty():
        there = after.join(before, on="person_id", how="semi")
        found = pl.concat([found, there.with_columns(day=pl.lit(0, pl.Int64()))])
    return found.select(
        "person_id",
        (pl.lit(lately.start, dtype=_INSTANT) + pl.duration(days="day")).alias("came_at"),
        pl.lit(lately.end - _MOMENT, dtype=_INSTANT).alias("entered_at"),
        pl.lit("{}").alias("entry"),
        pl.lit(None, dtype=pl.String).alias("entry_event_id"),
    )


def _by_flag(lately: Lately, eligible: Condition | None) -> Coming:
    """Whoever did anything, from the first day on at whose first event they may take part."""
    columns = "person_id, MIN(occurred_at) AS came_at, '{}' AS entry"
    seen = _events(lately, columns, "GROUP BY person_id, day")
    said = f"{_people(seen):,} people did anything"
    unknown = ["whether an app asks for the flag whenever people are active"]
    if eligible is not None:
        moments = seen.with_columns(at="came_at", since=_NEVER)
        seen = held(lately.turn, {"fits": eligible}, moments).filter("fits")
        said += f", for {_people(seen):,} of them the condition under if: held"
        unknown += [f"{names} of the past" for names in known_now([eligible])]
    people = _first(seen).with_columns(exposed_at="came_at")
    return Coming(people.select(_COLUMNS), (said,), tuple(unknown))


def _events(lately: Lately, columns: str, rest: str) -> pl.DataFrame:
    """What happened in the look-back, to people as they are called now."""
    between = f"occurred_at >= {timestamp(lately.start)} AND occurred_at < {timestamp(lately.end)}"
    found = lately.turn.app.engine.query(
        f"SELECT {columns} FROM events WHERE {between} {rest}",  # noqa: S608 - literals
        tables=[EVENTS],
        frames={},
        since=lately.start.date(),
        until=lately.end.date(),
    )
    return profiles_store.current(lately.turn.transaction, found)


def _meant(lately: Lately, when: Condition, given: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """For whom of all people a condition held at an instant: ``person_id``."""
    turn, asked = lately.turn, {"holds": when}
    facts = evaluate(turn.transaction, turn.app.engine, asked, given, at, everyone=True)
    return facts.filter("holds").select("person_id").sort("person_id")
