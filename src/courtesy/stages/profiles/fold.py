"""What people are like, from what they told: identify calls in, trait rows out."""

from collections.abc import Iterator

import msgspec
import polars as pl

from courtesy.stages.profiles.model import TRAITS

_CONTEXT_TRAITS = ("timezone", "locale")
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def fold(events: pl.DataFrame) -> pl.DataFrame:
    """The newest value of each trait that the events carry.

    Traits come from ``traits``; ``timezone`` and ``locale`` also from the context of any event.

    Args:
        events: events with ``person_id``, n rows.

    Returns:
        ``TRAITS`` rows, one for each person and name.
    """
    told = events.filter(pl.col("traits").is_not_null())
    rows = [
        (person, name, value, occurred_at)
        for person, traits, occurred_at in told.select(
            "person_id", "traits", "occurred_at"
        ).iter_rows()
        for name, value in _items(traits)
    ]
    explicit = pl.DataFrame(rows, schema=TRAITS, orient="row")
    every = pl.concat([_from_context(events, name) for name in _CONTEXT_TRAITS] + [explicit])
    newest = every.sort("occurred_at", maintain_order=True)
    return newest.unique(["person_id", "name"], keep="last", maintain_order=True)


def _items(traits: str) -> Iterator[tuple[str, str]]:
    for name, value in _decode(traits).items():
        yield name, bytes(value).decode()


def _from_context(events: pl.DataFrame, name: str) -> pl.DataFrame:
    """A context field as trait rows, the newest of each person; only text counts."""
    mentioned = events.filter(pl.col("context").str.contains(f'"{name}"', literal=True))
    value = pl.col("context").str.json_path_match(f"$.{name}")
    found = mentioned.select(
        "person_id",
        pl.lit(name).alias("name"),
        value.alias("value"),
        "occurred_at",
    ).filter(pl.col("value").is_not_null() & ~pl.col("value").str.contains(r'[{\["\\]'))
    newest = found.sort("occurred_at").unique(["person_id"], keep="last")
    return newest.with_columns(('"' + pl.col("value") + '"').alias("value")).cast(TRAITS)
