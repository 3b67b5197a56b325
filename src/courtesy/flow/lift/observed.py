"""Experiments that others ran: who was in which arm follows from what happened to people."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from courtesy.app import App
from courtesy.ground.ledger import Transaction
from courtesy.stages.audiences import evaluate
from courtesy.stages.audiences.store import population
from courtesy.stages.experiments import EXPOSED, Experiment
from courtesy.stages.experiments.model import Observed
from courtesy.stages.lift import Notice

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Found:
    """``EXPOSED`` rows, two of somebody who was in two arms, and what to know of them."""

    exposures: pl.DataFrame
    notices: tuple[Notice, ...]


def observed(app: App, transaction: Transaction, experiment: Experiment, rule: Observed) -> Found:
    """Everybody known, in the arm that their events within the window show, else in the control.

    Args:
        app: the wired application.
        transaction: of the ledger.
        experiment: its definition, and
        rule: how its arms are known.
    """
    given = population(transaction).with_columns(pl.lit("{}").alias("entry"))
    within = rule.window - _MICROSECOND
    arms = {arm: replace(did, within=within) for arm, did in rule.arms.items()}
    seen = evaluate(transaction, app.engine, arms, given, rule.at + within, everyone=True)
    none = ~pl.any_horizontal(list(arms))
    rows = [_exposed(seen.filter(pl.col(arm)), experiment.name, arm, rule) for arm in sorted(arms)]
    rows.append(_exposed(seen.filter(none), experiment.name, experiment.control, rule))
    exposures = pl.concat(rows)
    if rule.carry_over is None:
        return Found(exposures, ())
    before = {arm: replace(did, within=rule.carry_over) for arm, did in rule.arms.items()}
    earlier = evaluate(
        transaction, app.engine, before, given, rule.at - _MICROSECOND, everyone=True
    )
    reached = earlier.filter(pl.any_horizontal(list(before))).select("person_id")
    return Found(exposures, tuple(_carried(exposures, reached, rule.carry_over)))


def _exposed(people: pl.DataFrame, name: str, arm: str, rule: Observed) -> pl.DataFrame:
    return people.select(
        pl.lit(name).alias("experiment"),
        "person_id",
        pl.lit(arm).alias("arm"),
        pl.lit(rule.at, dtype=EXPOSED["exposed_at"]).alias("exposed_at"),
        pl.lit("{}").alias("entry"),
        pl.col("person_id").alias("unit"),
    )


def _carried(exposures: pl.DataFrame, reached: pl.DataFrame, length: timedelta) -> Iterator[Notice]:
    """A warning where what was done before may still act."""
    if reached.is_empty():
        return
    counted = (
        exposures.with_columns(pl.col("person_id").is_in(reached["person_id"].implode()).alias("e"))
        .group_by("arm", maintain_order=True)
        .agg(pl.col("e").sum().alias("earlier"), pl.len().alias("people"))
    )
    told = ", ".join(
        f"{earlier:,} of {people:,} in {arm}" for arm, earlier, people in counted.iter_rows()
    )
    days = length / timedelta(days=1)
    yield Notice(
        "carry_over",
        f"In the {days:g} days before, the same had already happened to {told}: what that did may "
        "still show here, and an earlier effect on both arms makes this one look smaller.",
    )
