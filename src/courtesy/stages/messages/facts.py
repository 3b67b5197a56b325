"""What the gate knows of people, from the rows of the ledger."""

from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from courtesy.ground.primitives.ids import keyed_digest
from courtesy.ground.primitives.zones import read_zone
from courtesy.stages.messages.model import REACH, ZONES
from courtesy.stages.messages.policy import EMAIL, mail_address
from courtesy.stages.profiles import CONSENTS
from courtesy.stages.profiles.model import ANY

ADDRESSES = pl.Schema({"person_id": pl.String(), "email": pl.String(), "timezone": pl.String()})
"""Traits as they are stored: JSON, null where somebody has none."""

SUPPRESSED = pl.Schema({"channel": pl.String(), "address_hash": pl.String()})
ADDRESS_CONSENTS = pl.Schema(
    {
        "channel": pl.String(),
        "address_hash": pl.String(),
        "topic": pl.String(),
        "occurred_at": CONSENTS["occurred_at"],
        "granted": pl.Boolean(),
    }
)
"""What was declared for an address: withdrawals, and the grants that say when they were given."""

_REMEMBERED = 400_000


@lru_cache(maxsize=_REMEMBERED)
def address_hash(secret: bytes, channel: str, address: str) -> str:
    """What is remembered of a suppressed address: nobody can read it back without ``secret``."""
    return keyed_digest(secret, "address", channel, address.lower())


def reach(stored: pl.DataFrame, secret: bytes) -> pl.DataFrame:
    """``REACH`` rows of everybody with a valid address, with ``suppressed`` false.

    Args:
        stored: ``ADDRESSES`` rows.
        secret: the home's key.
    """
    rows = [
        (person, EMAIL, address, address_hash(secret, EMAIL, address), False)
        for person, value in stored.select("person_id", "email").drop_nulls().iter_rows()
        if (address := _address(value))
    ]
    return pl.DataFrame(rows, schema=REACH, orient="row")


def marked(reachable: pl.DataFrame, suppressed: pl.DataFrame) -> pl.DataFrame:
    """``REACH`` rows with ``suppressed`` true where the address is among ``SUPPRESSED`` rows."""
    found = suppressed.with_columns(pl.lit(value=True).alias("found"))
    joined = reachable.join(
        found, on=("channel", "address_hash"), how="left", maintain_order="left"
    )
    return joined.with_columns(pl.col("found").fill_null(value=False).alias("suppressed")).select(
        REACH.names()
    )


def address_consents(
    earlier: pl.DataFrame, reachable: pl.DataFrame, just: pl.DataFrame
) -> pl.DataFrame:
    """What declarations of people mean for addresses: ``ADDRESS_CONSENTS`` rows.

    A no goes with its person to every address that they come to have; a yes stays with the address
    that they had when they gave it.

    Args:
        earlier: all ``CONSENTS`` rows of people.
        reachable: ``REACH`` rows of these people, and of those who declared something just now.
        just: ``CONSENTS`` rows of just now; those with an ``address_hash`` are for that address.
    """
    named = just.filter(pl.col("address_hash").is_not_null() & (pl.col("channel") != ANY))
    every = pl.concat([earlier.filter(~pl.col("granted")), just.filter("dated")])
    own = every.drop("address_hash").join(
        reachable.select("person_id", pl.col("channel").alias("reached_on"), "address_hash"),
        on="person_id",
    )
    meant = own.filter(pl.col("channel").is_in([ANY]) | (pl.col("channel") == pl.col("reached_on")))
    columns = list(ADDRESS_CONSENTS)
    found = meant.with_columns(pl.col("reached_on").alias("channel")).select(columns)
    return pl.concat([found, named.select(columns)]).unique()


def zones(stored: pl.DataFrame) -> pl.DataFrame:
    """``ZONES`` rows of everybody whose zone can be read.

    Args:
        stored: ``ADDRESSES`` rows.
    """
    named = zone_names(stored["timezone"])
    return stored.select("person_id", named.alias("time_zone")).drop_nulls().cast(ZONES)


def zone_names(stored: pl.Series) -> pl.Series:
    """The zones in stored ``timezone`` traits (JSON), null where there is none; ``read_zone``."""
    known = {
        value: name for value in stored.drop_nulls().unique() if (name := read_zone(_value(value)))
    }
    return stored.replace_strict(known, default=None, return_dtype=pl.String)


@lru_cache(maxsize=_REMEMBERED)
def _address(value: str) -> str | None:
    text = _value(value)
    return mail_address(text.strip()) if isinstance(text, str) else None


def _value(stored: str) -> Any:  # noqa: ANN401 - whatever JSON says
    try:
        return msgspec.json.decode(stored)
    except msgspec.DecodeError:
        return None
