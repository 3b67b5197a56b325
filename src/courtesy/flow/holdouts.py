"""Who is left alone: by everything, by a program, by a journey; the first encloses the others.

Chance holds people back when something should be said to them, before reachability, consent, quiet
hours and caps are looked at, so that both arms are exposed at the same moment.
"""

from collections.abc import Mapping
from itertools import dropwhile
from typing import NamedTuple

import polars as pl

from courtesy import workspace
from courtesy.ground.definitions import check, read_yaml
from courtesy.ground.definitions import store as definitions_store
from courtesy.ground.ledger import Transaction
from courtesy.stages.experiments import (
    EXPOSED,
    HOLDOUT,
    TREATED,
    UNIVERSAL,
    Experiment,
    Split,
    is_held,
)
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import Journey
from courtesy.stages.lift.plan import parts
from courtesy.stages.messages import Policy
from courtesy.stages.messages.policy import Holdouts
from courtesy.workspace import Workspace

_PLACE = ("journey", "version")
_PLACES = pl.Schema(
    {
        "journey": pl.String(),
        "version": pl.Int64(),
        "universal": pl.String(),
        "program": pl.String(),
        "tested": pl.String(),
        "entry_counts": pl.Boolean(),
    }
)


class Sizes(NamedTuple):
    """The shares (0 to 1) that a holdout left alone since it first left anybody, and leaves now."""

    smallest: float
    largest: float
    now: float


def history(transaction: Transaction, name: str) -> Sizes:
    """How large a holdout ever was, over all applied versions.

    Args:
        transaction: of the ledger.
        name: ``universal``, a program or a journey; what never had a holdout has zeros.
    """
    definitions = workspace.in_force(transaction)
    versions = sorted(definitions.versions.items())
    shares = [journey.holdout for (one, _), journey in versions if one == name]
    if shares:
        now = definitions.journeys[name].holdout if name in definitions.journeys else 0.0
    else:
        shares = [_share(policy.holdouts, name) for policy in _policies(transaction)]
        now = _share(_holdouts(definitions), name)
    since = list(dropwhile(lambda share: not share, shares))
    return Sizes(min(since, default=0.0), max(since, default=0.0), now)


def cluster(definitions: Workspace, experiment: Experiment | None = None) -> str | None:
    """The trait whose equals are treated alike; None where everybody stands alone.

    An experiment may name its own; the policy's holds for all others, and for holdouts.
    """
    own = experiment.cluster if experiment else None
    return own or _holdouts(definitions).cluster


def drawn(
    transaction: Transaction, definitions: Workspace, enrollments: pl.DataFrame
) -> pl.DataFrame:
    """What the holdouts say of people to whom something should be said.

    Args:
        transaction: of the ledger.
        definitions: what is in force.
        enrollments: n ``ENROLLMENTS`` rows.

    Returns:
        The n rows in their order, with ``unit``; ``universal``, ``program`` and ``tested``: the
        experiments that they are a part of, null where of none; ``entry_counts``, as
        ``counts_entry`` says; ``alone`` and ``passed_over``: whether the universal holdout and the
        program's leave them alone.
    """
    holdouts = _holdouts(definitions)
    people = enrollments.select("person_id").unique(maintain_order=True)
    units = experiments_store.units_of(transaction, people, holdouts.cluster)
    placed = enrollments.join(
        _places(definitions, enrollments), on=_PLACE, how="left", maintain_order="left"
    ).join(units, on="person_id", how="left", maintain_order="left")
    alone = _held(placed, "universal", {UNIVERSAL: holdouts.universal})
    passed_over = _held(placed, "program", holdouts.programs)
    return placed.with_columns(alone.alias("alone"), passed_over.alias("passed_over"))


def exposures(drawn: pl.DataFrame, sends: pl.DataFrame) -> pl.DataFrame:
    """``EXPOSED`` rows: who was exposed to which holdout, all arms alike.

    Args:
        drawn: the enrollments of the sends, as ``drawn`` tells them.
        sends: ``INTENTS`` rows.
    """
    first = sends.unique("enrollment_id", keep="first", maintain_order=True)
    moments = first.select("enrollment_id", "created_at")
    said = drawn.join(moments, on="enrollment_id", how="inner", maintain_order="left").with_columns(
        after_entry("created_at").alias("exposed_at")
    )
    levels = [
        said.with_columns(_arm("alone")).pipe(_exposed, "universal"),
        said.filter(~pl.col("alone")).with_columns(_arm("passed_over")).pipe(_exposed, "program"),
        said.filter(~held()).pipe(_exposed, "tested"),
    ]
    return pl.concat(levels)


def left_alone(sends: pl.DataFrame, drawn: pl.DataFrame) -> pl.DataFrame:
    """The ``INTENTS`` with the arm ``holdout`` where the universal or a program's is to be kept."""
    alone = drawn.filter(held())["enrollment_id"]
    arm = pl.when(pl.col("enrollment_id").is_in(alone.implode())).then(pl.lit(HOLDOUT))
    return sends.with_columns(arm.otherwise("arm").alias("arm"))


def held() -> pl.Expr:
    """Of ``drawn`` rows: whether the universal holdout or the program's leaves somebody alone."""
    return pl.col("alone") | pl.col("passed_over")


def after_entry(moment: str) -> pl.Expr:
    """The instant in the column ``moment``, but after the entry where ``entry_counts``.

    So that the event by which somebody entered is no outcome of what began with it, where both
    are of one instant.
    """
    next_one = pl.col("entered_at") + pl.duration(microseconds=1)
    return pl.when("entry_counts").then(pl.max_horizontal(moment, next_one)).otherwise(moment)


def counts_entry(definitions: Workspace, journey: Journey) -> bool:
    """Whether the event that is a journey's entry is one that a goal or a metric counts."""
    goal = {journey.goal.condition.event} if journey.goal else set()
    metrics = [part for metric in definitions.metrics.values() for part in parts(metric)]
    return journey.entry.event in goal.union(*(metric.events for metric in metrics))


def _holdouts(definitions: Workspace) -> Holdouts:
    return definitions.policy.holdouts if definitions.policy else Holdouts()


def _policies(transaction: Transaction) -> list[Policy]:
    versions = definitions_store.every(transaction, "policy")
    return [check(Policy, read_yaml(f"policy {one.version}", one.body)) for one in versions]


def _share(holdouts: Holdouts, name: str) -> float:
    return holdouts.universal if name == UNIVERSAL else holdouts.programs.get(name, 0.0)


def _places(definitions: Workspace, enrollments: pl.DataFrame) -> pl.DataFrame:
    """The experiments that each version of a journey is a part of."""
    holdouts = _holdouts(definitions)
    service = definitions.policy.service_topics if definitions.policy else frozenset()
    rows = []
    for name, version in enrollments.select(_PLACE).unique().iter_rows():
        journey = definitions.versions[name, version]
        counted = journey.topic not in service
        universal = UNIVERSAL if counted and holdouts.universal else None
        program = journey.program if counted and _share(holdouts, journey.program or "") else None
        tested = name if journey.holdout else None
        counts = counts_entry(definitions, journey)
        rows.append((name, version, universal, program, tested, counts))
    return pl.DataFrame(rows, schema=_PLACES, orient="row")


def _held(placed: pl.DataFrame, level: str, shares: Mapping[str, float]) -> pl.Series:
    """Whether the holdout that stands in the column ``level`` leaves each row alone."""
    held = pl.repeat(value=False, n=placed.height, dtype=pl.Boolean, eager=True)
    for name, share in shares.items():
        chosen = is_held(placed["unit"], Split.holdout(name, share))
        held |= chosen & (placed[level].fill_null("") == name)
    return held


def _arm(held: str) -> pl.Expr:
    return pl.when(held).then(pl.lit(HOLDOUT)).otherwise(pl.lit(TREATED)).alias("arm")


def _exposed(said: pl.DataFrame, level: str) -> pl.DataFrame:
    """Each person once, who is a part of the experiment that stands in the column ``level``."""
    part = said.filter(pl.col(level).is_not_null()).rename({level: "experiment"})
    first = part.unique(["experiment", "person_id"], keep="first", maintain_order=True)
    return first.select(EXPOSED.names())
