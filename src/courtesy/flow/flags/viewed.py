"""Exposures that clients report: ``Experiment Viewed``, as Segment's A/B testing spec has it.

Source: https://www.twilio.com/docs/segment/connections/spec/ab-testing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import polars as pl
import structlog

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.flags.participation import decide, flags_of
from courtesy.flow.kept import grouped_by
from courtesy.flow.trigger import Turn
from courtesy.ground.ledger import Transaction
from courtesy.stages.experiments import EXPOSED, Experiment, Standing, keep
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.messages.returns import SOURCE
from courtesy.stages.profiles import TRAITS, fold

VIEWED = "Experiment Viewed"
_IDS = ("experiment_id", "experiment_name", "variation_id", "variation_name")
_log = structlog.get_logger("courtesy.viewed")


def known_of_viewers(transaction: Transaction, events: pl.DataFrame) -> pl.DataFrame:
    """What is known, before a batch tells more, of those who viewed an arm in it: ``TRAITS`` rows.

    Args:
        transaction: of the ledger, which does not have the traits of the batch yet.
        events: as ``expose_viewers`` takes them.
    """
    views = events.filter(pl.col("event") == VIEWED)
    if views.is_empty():
        return pl.DataFrame(schema=TRAITS)
    wanted = grouped_by(workspace.in_force(transaction))
    names = {name for grouped in wanted.values() for name in grouped}
    return experiments_store.traits_of(transaction, views, names)


def expose_viewers(
    app: App, transaction: Transaction, events: pl.DataFrame, known: pl.DataFrame
) -> None:
    """Keep the exposures that a batch of events tells of, whether they just happened or long ago.

    Args:
        app: the wired application.
        transaction: of the ledger.
        events: n rows with ``person_id, event, source, occurred_at, properties, context, traits``.
        known: what ``known_of_viewers`` told before the traits of these events were kept.
    """
    views = events.filter(pl.col("event") == VIEWED)
    if not views.is_empty():
        turn = Turn(app, transaction, workspace.in_force(transaction), app.clock.now())
        experiments_store.expose(transaction, _kept(turn, viewed(turn, views), events, known))


def viewed(turn: Turn, views: pl.DataFrame) -> pl.DataFrame:
    """The views that are exposures: ``EXPOSED`` rows, the first of each person and experiment.

    A view counts while the experiment runs, where it names an arm and its person takes part; what a
    flag recorded was judged when it was asked for. The arm is the one that was seen, whatever
    chance would have given. Other views are counted in the log; those of unknown experiments are
    none of ours.
    """
    tried = flags_of(turn.definitions)
    named = _named(views, tried)
    if named.is_empty():
        return pl.DataFrame(schema=EXPOSED)
    standings = experiments_store.standings(turn.transaction)
    parts = [
        _exposures(turn, tried[name], rows, standings)
        for (name,), rows in named.group_by("experiment", maintain_order=True)
        if isinstance(name, str)
    ]
    return pl.concat(parts)


def _kept(
    turn: Turn, exposures: pl.DataFrame, events: pl.DataFrame, known: pl.DataFrame
) -> pl.DataFrame:
    """The exposures with the traits that were told before each, in the same batch or earlier."""
    wanted = grouped_by(turn.definitions)
    found = [keep(exposures.clear(), known, wanted)]
    for _, rows in exposures.group_by("experiment", maintain_order=True):
        moments = rows.select("person_id", "exposed_at")
        so_far = events.join(moments, on="person_id").filter(
            pl.col("occurred_at") <= pl.col("exposed_at")
        )
        found.append(keep(rows, pl.concat([known, fold(so_far)]), wanted))
    return pl.concat(found)


def _named(views: pl.DataFrame, tried: Mapping[str, Experiment]) -> pl.DataFrame:
    """The views of experiments that we know, by id or else by name."""
    said = views.with_columns(
        pl.col("properties").str.json_path_match(f"$.{name}").alias(name) for name in _IDS
    )
    known = [pl.when(pl.col(name).is_in(list(tried))).then(name) for name in _IDS[:2]]
    found = said.with_columns(pl.coalesce(known).alias("experiment"))
    return found.filter(pl.col("experiment").is_not_null())


def _exposures(
    turn: Turn, experiment: Experiment, views: pl.DataFrame, standings: Mapping[str, Standing]
) -> pl.DataFrame:
    standing = standings.get(experiment.name)
    shown = [pl.when(pl.col(name).is_in(list(experiment.arms))).then(name) for name in _IDS[2:]]
    seen = views.with_columns(pl.coalesce(shown).alias("arm"))
    of_arms = seen.filter(pl.col("arm").is_not_null())
    running = of_arms.filter(_while_running(experiment, standing))
    people = running.select("person_id").unique(maintain_order=True)
    meanwhile = {experiment.name: replace(standing, stopped_at=None)} if standing else {}
    decided = decide(turn, [experiment], people, {**standings, **meanwhile})
    known = decided.select("person_id", "unit", "takes_part", "before")
    judged = running.join(known, on="person_id", maintain_order="left")
    counting = judged.filter(pl.col("takes_part") | (pl.col("source") == SOURCE))
    _tell(experiment.name, [len(seen), len(of_arms), len(running), len(counting)])
    fresh = counting.filter(~pl.col("before")).sort("occurred_at", maintain_order=True)
    first = fresh.unique("person_id", keep="first", maintain_order=True)
    renamed = first.rename({"occurred_at": "exposed_at", "properties": "entry"})
    return renamed.select(list(EXPOSED)).cast(EXPOSED)


def _while_running(experiment: Experiment, standing: Standing | None) -> pl.Expr:
    """Whether a view lies between the start of a pilot and its end."""
    if standing is None:
        return pl.lit(experiment.pilot is None)
    begun = pl.col("occurred_at") >= _instant(standing.started_at)
    ended = standing.stopped_at
    return begun & (pl.col("occurred_at") < _instant(ended)) if ended else begun


def _instant(moment: datetime) -> pl.Expr:
    return pl.lit(moment, dtype=EXPOSED["exposed_at"])


def _tell(name: str, left: list[int]) -> None:
    """How many views count for nothing, and why."""
    reasons = ("unknown_arm", "not_running", "no_part")
    lost = {why: left[i] - left[i + 1] for i, why in enumerate(reasons)}
    if any(lost.values()):
        _log.info("views that are no exposures", experiment=name, **lost)
