"""People told apart by a trait, as they were when they were exposed.

What came after the exposure may be of its making: Rosenbaum (1984), The consequences of adjustment
for a concomitant variable that has been affected by the treatment, JRSS A 147, 656-666.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import polars as pl

from courtesy.stages.lift.model import Notice

_PIECES = pl.Schema({"traits": pl.String(), "kept": pl.Boolean(), "then": pl.String()})
_TEXTS = pl.Schema({"value": pl.String(), "now": pl.String()})
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True)
class Segmented:
    """Everybody who was exposed, by one trait.

    ``segments``: ``SEGMENTS`` rows of those of whom it is known. ``of_now``: how many of the
    ``people`` stand there with what they told after their exposure.
    """

    trait: str
    segments: pl.DataFrame
    of_now: int
    people: int


def segmented(
    exposures: pl.DataFrame, told: pl.DataFrame, trait: str, merges: pl.DataFrame
) -> Segmented:
    """The value of a trait of each person at their first exposure, as text.

    What the exposure kept comes first. Where it kept nothing of this trait, the newest value is
    right if it was told before; else it is all that is known, and counted in ``of_now``.

    Args:
        exposures: ``person_id, exposed_at`` and, where they are kept, ``traits``.
        told: ``TRAITS`` rows with the newest value of each person.
        trait: its name.
        merges: ``MERGES`` rows.
    """
    first = _first(exposures, merges)
    newest = told.filter(pl.col("name") == trait).select("person_id", "value", "occurred_at")
    rows = (
        first.join(_kept(first["traits"], trait), on="traits", how="left")
        .join(newest, on="person_id", how="left")
        .join(_texts(newest["value"]), on="value", how="left")
    )
    kept = pl.col("kept").fill_null(value=False)
    later = ~kept & (pl.col("occurred_at") > pl.col("exposed_at"))
    segment = pl.when(kept).then("then").otherwise("now").alias("segment")
    found = rows.select("person_id", segment).drop_nulls()
    return Segmented(trait, found, rows.filter(later).height, rows.height)


def segment_notices(found: Iterable[Segmented]) -> Iterator[Notice]:
    """What is wrong with segments and strata that the treatment may have changed."""
    for one in found:
        if one.of_now:
            yield Notice(
                "segments_now",
                f"{one.of_now:,} of {one.people:,} people are grouped by their {one.trait} of "
                "now, told after their exposure: where the treatment changed it, effects by "
                f"{one.trait} are not what they seem.",
            )


def _first(exposures: pl.DataFrame, merges: pl.DataFrame) -> pl.DataFrame:
    """The first exposure of each person, whatever id they had then."""
    traits = "traits" if "traits" in exposures.columns else pl.lit(None, pl.String).alias("traits")
    known = exposures.select("person_id", "exposed_at", traits).join(
        merges, on="person_id", how="left", maintain_order="left"
    )
    now_called = known.with_columns(pl.coalesce("into_id", "person_id").alias("person_id"))
    ordered = now_called.drop("into_id").sort("exposed_at", maintain_order=True)
    return ordered.unique("person_id", keep="first", maintain_order=True)


def _kept(traits: pl.Series, name: str) -> pl.DataFrame:
    """Of each JSON object: whether it says anything of a trait, and the trait as text."""
    rows = []
    for text in traits.drop_nulls().unique():
        fields = _fields(text)
        value = fields.get(name)
        rows.append((text, value is not None, None if value is None else _said(bytes(value))))
    return pl.DataFrame(rows, schema=_PIECES, orient="row")


def _fields(text: str) -> dict[str, msgspec.Raw]:
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return {}


def _texts(values: pl.Series) -> pl.DataFrame:
    rows = [(value, _said(value.encode())) for value in values.drop_nulls().unique()]
    return pl.DataFrame(rows, schema=_TEXTS, orient="row")


def _said(value: bytes) -> str | None:
    """A trait's value as text, JSON where it is none; None where it was taken back, or broken."""
    try:
        found = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return None
    if found is None or isinstance(found, str):
        return found
    return msgspec.json.encode(found, order="sorted").decode()
