"""Which arm somebody has in an experiment, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.arms import dealt
from courtesy.flow.holdouts import cluster
from courtesy.flow.pilots.coming import journeys_of
from courtesy.flow.pilots.enclosing import Holdouts, enclosing
from courtesy.flow.pilots.sizing import defined
from courtesy.flow.trigger import Turn
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.audiences import evaluate, themselves
from courtesy.stages.experiments import (
    Experiment,
    Split,
    Standing,
    assign,
    is_held,
    split_of,
)
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.profiles import store as profiles_store

_PERSON = {"person_id": pl.String()}


@dataclass(frozen=True)
class Assigned:
    """The arm of a person now.

    ``takes_part``: whether it counts when they come to it. ``reason``: ``chance``,
    ``exposed_before`` (they keep what they had), ``not_started``, ``stopped`` (everybody gets the
    kept arm), ``held`` (a holdout leaves them alone in every journey that tests it),
    ``not_eligible``, ``outside_layer``, ``in_layer`` (they are in another experiment of it) or
    ``outside_traffic``; ``detail`` says which.
    """

    person: str
    person_id: str
    arm: str
    takes_part: bool
    reason: str
    detail: str = ""


def assigned(app: App, name: str, people: Sequence[str]) -> list[Assigned]:
    """The arm of each person now, and why; nobody is exposed by asking.

    Args:
        app: the wired application.
        name: an experiment in force.
        people: user ids, anonymous ids or ids of people.

    Raises:
        NotFoundError: there is no such experiment, or nobody of such a name.
        DefinitionError: others ran it, so that nobody is assigned here.
    """
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        experiment = defined(definitions, name)
        if experiment.observed:
            raise DefinitionError("Others ran it; nobody is assigned here.", place=name)
        standings = experiments_store.standings(transaction)
        standing = standings.get(name)
        turn = Turn(app, transaction, definitions, app.clock.now())
        ids = [profiles_store.find(transaction, person) for person in people]
        rows = {row["person_id"]: row for row in _rows(turn, experiment, standings, ids)}
    return [
        _shown(person, rows[one], experiment, *_reason(rows[one], experiment, standing))
        for person, one in zip(people, ids, strict=True)
    ]


def _rows(
    turn: Turn, experiment: Experiment, standings: Mapping[str, Standing], ids: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """What decides of each person once: their arm, and what could keep them out."""
    people = pl.DataFrame({"person_id": ids}, schema=_PERSON).unique(maintain_order=True)
    arms = dealt(turn.transaction, turn.definitions, experiment, people, standings, turn.now)
    split = split_of(experiment, turn.now)
    whole = replace(split, traffic=1.0)
    found = arms.with_columns(
        in_layer=assign(arms["unit"], whole).is_not_null(),
        in_traffic=assign(arms["unit"], split).is_not_null(),
        held=_held(turn, experiment, people),
        eligible=_eligible(turn, experiment, people),
    )
    return found.iter_rows(named=True)


def _held(turn: Turn, experiment: Experiment, people: pl.DataFrame) -> pl.Series:
    """The holdout that leaves each person alone on every way to the experiment, else null."""
    units = experiments_store.units_of(turn.transaction, people, cluster(turn.definitions))["unit"]
    ways = [_first_of(units, holdouts) for holdouts in _ways(turn, experiment)]
    closed = pl.all_horizontal(pl.lit(way).is_not_null() for way in ways)
    return pl.select(pl.when(closed).then(pl.lit(ways[0])).alias("held")).to_series()


def _first_of(units: pl.Series, holdouts: Holdouts) -> pl.Series:
    """The first of the holdouts that leaves each unit alone; null where none does."""
    found = pl.Series("held", [None] * len(units), dtype=pl.String)
    for holdout, share in reversed(holdouts):
        mine = is_held(units, Split.holdout(holdout, share))
        found = pl.select(pl.when(mine).then(pl.lit(holdout)).otherwise(found)).to_series()
    return found


def _ways(turn: Turn, experiment: Experiment) -> list[Holdouts]:
    """Of each journey that tests it the holdouts that come before, the widest first."""
    policy, journeys = turn.definitions.policy, journeys_of(turn.definitions, experiment.name)
    if not journeys:
        return [enclosing(policy, None)]
    return [enclosing(policy, journey) for journey in journeys]


def _eligible(turn: Turn, experiment: Experiment, people: pl.DataFrame) -> pl.Series:
    if experiment.eligible is None:
        return pl.Series([True] * len(people), dtype=pl.Boolean)
    asked, given = {"holds": experiment.eligible}, themselves(people)
    facts = evaluate(turn.transaction, turn.app.engine, asked, given, turn.now)
    return people.join(facts, on="person_id", how="left", maintain_order="left")["holds"]


def _reason(
    row: Mapping[str, Any], experiment: Experiment, standing: Standing | None
) -> tuple[str, str]:
    """Why they have their arm, and what there is to say of it."""
    layer = experiment.layer.name if experiment.layer else ""
    if standing is None and experiment.pilot:
        return "not_started", "everybody has the control until its start"
    if standing and standing.stopped_at:
        return "stopped", f"everybody has {row['arm']} since {standing.stopped_at:%Y-%m-%d}"
    out = {
        "held": (row["held"] is not None, f"left alone by the holdout {row['held']}"),
        "exposed_before": (row["before"], "they keep the arm that they were exposed to"),
        "not_eligible": (not row["eligible"], "the condition under if: does not hold"),
        "outside_layer": (not row["in_layer"], f"outside its part of the layer {layer}"),
        "in_layer": (row["taken"], f"they are in another experiment of the layer {layer}"),
        "outside_traffic": (not row["in_traffic"], "outside the share that takes part so far"),
        "chance": (True, f"the hash of {row['unit']}"),
    }
    return next((reason, detail) for reason, (holds, detail) in out.items() if holds)


def _shown(
    person: str, row: Mapping[str, Any], experiment: Experiment, reason: str, detail: str
) -> Assigned:
    takes_part = reason in {"exposed_before", "chance"}
    as_told = takes_part or reason == "stopped"
    arm = row["arm"] if as_told else experiment.control
    return Assigned(person, row["person_id"], arm, takes_part, reason, detail)
