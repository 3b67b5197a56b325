"""Exposures, pilots and what was learned, in the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.experiments.model import KEPT, UNITS, Learning, Standing
from courtesy.stages.profiles import TRAITS

_QUERIES = named_queries(__file__)
_NUMBERED = pl.Schema([("exposure_id", pl.Int64()), *KEPT.items()])
_ARMS = pl.Schema({"person_id": pl.String(), "arm": pl.String()})
_VALUES = pl.Schema({"person_id": pl.String(), "value": pl.String()})


def expose(transaction: Transaction, exposures: pl.DataFrame) -> None:
    """Keep the first of the exposures (``KEPT`` rows) of each person to each experiment."""
    if not exposures.is_empty():
        transaction.load("given", exposures.select(list(KEPT)))
        transaction.run(_QUERIES["expose"])


def since(transaction: Transaction, after: int, limit: int) -> pl.DataFrame:
    """Exposures numbered above ``after``, in order, ``limit`` at most."""
    return transaction.frame(_QUERIES["since"], _NUMBERED, after=after, limit=limit)


def newest(transaction: Transaction) -> int:
    """The greatest number of an exposure; 0 before the first."""
    return int(transaction.scalar(_QUERIES["newest_exposure"]))


def exposed_before(transaction: Transaction, experiment: str, people: pl.DataFrame) -> pl.DataFrame:
    """The arm of those of ``people`` (``person_id``) who were exposed: ``person_id, arm``.

    What somebody saw under another id, before the two were known to be one person, counts too.
    """
    transaction.load("given", people.select("person_id").unique())
    return transaction.frame(_QUERIES["exposed_before"], _ARMS, experiment=experiment)


def exposed_to_any(
    transaction: Transaction, experiments: Iterable[str], people: pl.DataFrame
) -> pl.DataFrame:
    """Those of ``people`` (``person_id``) who were exposed to one of the experiments, each once."""
    found = [exposed_before(transaction, name, people) for name in experiments]
    return pl.concat([pl.DataFrame(schema=_ARMS), *found]).select("person_id").unique()


def units_of(transaction: Transaction, people: pl.DataFrame, trait: str | None) -> pl.DataFrame:
    """What chance assigns of each of ``people`` (``person_id``): ``UNITS`` rows in their order.

    People with an equal value of ``trait`` (trimmed, in lower case; text or a number) are one unit.
    People without one stand alone, as does everybody where ``trait`` is None.
    """
    alone = people.select("person_id")
    if trait is None:
        return alone.with_columns(unit="person_id").cast(UNITS)
    transaction.load("given", alone.unique())
    found = transaction.frame(_QUERIES["cluster_values"], _VALUES, trait=trait)
    known = found.join(_clusters(trait, found["value"].unique()), on="value")
    joined = alone.join(known, on="person_id", how="left", maintain_order="left")
    return joined.select("person_id", pl.coalesce("unit", "person_id").alias("unit")).cast(UNITS)


def traits_of(
    transaction: Transaction, people: pl.DataFrame | None, names: Iterable[str]
) -> pl.DataFrame:
    """``TRAITS`` rows of these ``names``, of ``people`` (``person_id``) or, for None, of all."""
    wanted = pl.DataFrame({"name": sorted(set(names))}, schema={"name": pl.String})
    if wanted.is_empty() or (people is not None and people.is_empty()):
        return pl.DataFrame(schema=TRAITS)
    transaction.load("asked_traits", wanted)
    if people is None:
        return transaction.frame(_QUERIES["traits_of_all"], TRAITS)
    transaction.load("given", people.select("person_id").unique())
    return transaction.frame(_QUERIES["traits_of_given"], TRAITS)


def standings(transaction: Transaction) -> Mapping[str, Standing]:
    """Every pilot that was ever started, by the experiment's name."""
    rows = transaction.rows(_QUERIES["standings"])
    return {row["experiment"]: Standing(**_dated(row, "started_at", "stopped_at")) for row in rows}


def start(transaction: Transaction, standing: Standing) -> None:
    """Begin a pilot: from now on its plan stands.

    Raises:
        InputError: it was started before.
    """
    values = {name: asdict(standing)[name] for name in ("experiment", "started_at", "plan")}
    begun = transaction.run(_QUERIES["start"], **values, definition_hash=standing.definition_hash)
    if not begun:
        raise InputError(
            "It was started before; a new pilot needs a new name.", place=standing.experiment
        )


def stop(
    transaction: Transaction, experiment: str, now: datetime, kept: str | None, verdict: str
) -> None:
    """End a pilot; ``kept`` is the arm that everybody gets from now on, None the control.

    Raises:
        InputError: it does not run.
    """
    values = {"experiment": experiment, "now": now, "kept": kept, "verdict": verdict}
    if not transaction.run(_QUERIES["stop"], **values):
        raise InputError("It does not run, so it cannot be stopped.", place=experiment)


def learn(transaction: Transaction, learning: Learning) -> None:
    """Keep what an experiment taught."""
    transaction.run(_QUERIES["learn"], **asdict(learning))


def learnings(transaction: Transaction, words: str = "") -> list[Learning]:
    """What was learned, the newest first; every one of ``words`` stands somewhere in it.

    Words are looked for in the experiment's name, the hypothesis, the verdict and what was learned,
    whatever their case: here and not by the database, as SQLite folds ASCII letters only.
    """
    wanted = words.casefold().split()
    rows = transaction.rows(_QUERIES["learnings"])
    found = [Learning(**_dated(row, "learned_at")) for row in rows]
    return [one for one in found if all(word in _searched(one) for word in wanted)]


def counts(transaction: Transaction) -> Mapping[str, Mapping[str, int]]:
    """How many people were exposed to each experiment, by arm."""
    found: dict[str, dict[str, int]] = {}
    for row in transaction.rows(_QUERIES["counts"]):
        found.setdefault(row["experiment"], {})[row["arm"]] = int(row["people"])
    return found


def _searched(learning: Learning) -> str:
    fields = (learning.experiment, learning.hypothesis, learning.verdict, learning.learned)
    return "\n".join(fields).casefold()


def _clusters(trait: str, values: pl.Series) -> pl.DataFrame:
    """``value, unit`` of the values (JSON) that say a cluster."""
    named = [(value, _said(value)) for value in values]
    rows = [(value, digest(trait, text)) for value, text in named if text]
    return pl.DataFrame(rows, schema={"value": pl.String, "unit": pl.String}, orient="row")


def _said(value: str) -> str:
    """A trait's text or number as text that equals have in common; empty for anything else."""
    try:
        found = msgspec.json.decode(value)
    except msgspec.MsgspecError:
        return ""
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    known = isinstance(found, str | int | float) and not isinstance(found, bool)
    return str(found).strip().lower() if known else ""


def _dated(row: dict[str, Any], *names: str) -> dict[str, Any]:
    dated = {name: instant(int(row[name])) for name in names if row[name] is not None}
    return {**row, **dated}


def clear_exposures(transaction: Transaction) -> None:
    """Forget every exposure: of a copy that begins with the history alone."""
    transaction.run(_QUERIES["clear_exposures"])
