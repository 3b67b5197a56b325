"""People as they were at exposure, before the treatment could change them."""

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from courtesy.stages.experiments.model import KEPT

_NONE = "null"


def keep(
    exposures: pl.DataFrame, told: pl.DataFrame, grouped_by: Mapping[str, Sequence[str]]
) -> pl.DataFrame:
    """The exposures with the traits that tell an experiment's people apart.

    What was told at the moment of exposure or earlier counts, the newest of it. Where the only
    thing known was told later, somebody may have told something else before, so that nothing is
    said of this trait. Who never told it had none.

    Args:
        exposures: n ``EXPOSED`` rows, one of each person in an experiment.
        told: ``TRAITS`` rows, any number of each person and name.
        grouped_by: of experiments the names of these traits.

    Returns:
        n ``KEPT`` rows, in any order.
    """
    found = [pl.DataFrame(schema=KEPT)]
    for (name,), rows in exposures.group_by("experiment", maintain_order=True):
        found.append(rows.with_columns(_traits(rows, told, grouped_by.get(str(name), ()))))
    return pl.concat([part.select(KEPT.names()).cast(KEPT) for part in found])


def _traits(rows: pl.DataFrame, told: pl.DataFrame, names: Iterable[str]) -> pl.Series:
    """The JSON object of each row; null where there are no names."""
    fields = [_field(rows, told, name).alias(name) for name in names]
    if not fields:
        return pl.repeat(None, rows.height, dtype=pl.String, eager=True).alias("traits")
    inside = pl.concat_str(fields, separator=",", ignore_nulls=True)
    return pl.select(("{" + inside + "}").alias("traits")).to_series()


def _field(rows: pl.DataFrame, told: pl.DataFrame, name: str) -> pl.Series:
    """What each row's object says of one trait; null where it says nothing."""
    mine = told.filter(pl.col("name") == name).select("person_id", "value", "occurred_at")
    moments = rows.select("person_id", "exposed_at")
    both = mine.join(moments, on="person_id").sort("occurred_at", maintain_order=True)
    then = pl.col("occurred_at") <= pl.col("exposed_at")
    known = both.group_by("person_id").agg(pl.col("value").filter(then).last())
    joined = moments.join(
        known.with_columns(later=True), on="person_id", how="left", maintain_order="left"
    )
    never = pl.when(pl.col("later").is_null()).then(pl.lit(_NONE))
    value = pl.coalesce("value", never)
    return joined.select(pl.lit(f"{json.dumps(name)}:") + value).to_series()
