"""Quillberry, the invented coffee shop of the demo: what its app tells about its customers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from courtesy.doors.demo.people import PERSONAS, TOPICS, People
from courtesy.doors.demo.zones import ZONES

Ints = npt.NDArray[np.int64]

MINUTE = 60_000_000
BATCH = 1_000
_TIME = "%Y-%m-%dT%H:%M:%S%.3fZ"
_PRODUCTS = pl.DataFrame(
    [
        ("harbour", "Harbour Espresso", "espresso", 15.5),
        ("lantern", "Lantern Espresso", "espresso", 17.0),
        ("meadow", "Meadow Filter", "filter", 14.0),
        ("foxglove", "Foxglove Filter", "filter", 16.5),
        ("first-light", "First Light Filter", "filter", 18.0),
        ("nightjar", "Nightjar Decaf", "decaf", 16.0),
        ("juniper", "Juniper Cold Brew", "cold brew", 19.5),
        ("sampler", "Roaster's Sampler", "gifts", 29.0),
        ("cupboard", "Office Cupboard, 3 kg", "office", 64.0),
        ("dripper", "Porcelain Dripper", "equipment", 24.0),
    ],
    schema=["product_id", "name", "category", "price"],
    orient="row",
)
_WAYS = ("app store", "a friend", "search", "a poster")


@dataclass(frozen=True)
class Moments:
    """Who did something, and when: indices of people and instants in microseconds."""

    who: Ints
    when: Ints

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Moments":
        """Those of them that are chosen."""
        return Moments(self.who[chosen], self.when[chosen])

    def earlier(self, minutes: int) -> "Moments":
        """The same people, some minutes before."""
        return Moments(self.who, self.when - minutes * MINUTE)


def together(several: Iterable[Moments]) -> Moments:
    """All of them, one after the other."""
    found = [(one.who, one.when) for one in several]
    who, when = zip(*found, strict=True)
    return Moments(np.concatenate(who), np.concatenate(when))


class Shop:
    """Turns what people do into the calls of the shop's app (Segment's HTTP API)."""

    def __init__(self, people: People) -> None:
        self._of = pl.DataFrame(
            {
                "userId": people.user_id,
                "first_name": people.first_name,
                "email": people.email,
                "timezone": np.array([zone.name for zone in ZONES])[people.zone],
                "locale": np.array([zone.locale for zone in ZONES])[people.zone],
                "persona": np.array(PERSONAS)[people.persona],
                **{topic: people.allows[:, index] for index, topic in enumerate(TOPICS)},
            }
        )
        self._ids = self._of.select("userId")
        self._calls = 0

    def introduced(self, known: Moments) -> pl.DataFrame:
        """Customers with what they are like and what they agreed to when they signed up."""
        traits = ["email", "first_name", "timezone", "locale", "persona"]
        consents = pl.concat_list(
            pl.struct(
                pl.lit(topic).alias("topic"),
                pl.lit("email").alias("channel"),
                pl.col(topic).alias("granted"),
                pl.lit("sign-up form").alias("source"),
            )
            for topic in TOPICS
        )
        return self._called(
            self._of,
            known,
            type=pl.lit("identify"),
            traits=pl.struct(traits),
            context=pl.struct(consents.alias("consents")),
        )

    def signed_up(self, joining: Moments, ways: Ints) -> list[pl.DataFrame]:
        """A look at the first screen without a name, then the form, then the event."""
        nameless = "device-" + pl.col("userId")
        screen = {"type": pl.lit("screen"), "name": pl.lit("Welcome"), "anonymousId": nameless}
        way = pl.Series(np.array(_WAYS)[ways])
        return [
            self._called(self._ids, joining.earlier(2), **screen).drop("userId"),
            self.introduced(joining.earlier(1)).with_columns(anonymousId=nameless),
            self._tracked("Signed Up", joining, pl.struct(pl.lit(way).alias("came_by"))),
        ]

    def viewed(self, moments: Moments, products: Ints) -> pl.DataFrame:
        """Looks at a product."""
        return self._tracked("Product Viewed", moments, _product(products))

    def added(self, moments: Moments, products: Ints) -> pl.DataFrame:
        """Products that went into a basket."""
        return self._tracked("Product Added", moments, _product(products))

    def ordered(self, moments: Moments, products: Ints) -> pl.DataFrame:
        """Orders: one product each."""
        total = pl.lit(_PRODUCTS["price"][products]).alias("total")
        order = pl.format("o-{}-{}", "userId", "at").alias("order_id")
        names = ["product_id", "name", "category"]
        product = [pl.lit(_PRODUCTS[name][products]).alias(name) for name in names]
        told = pl.struct(order, total, pl.lit("USD").alias("currency"), *product)
        return self._tracked("Order Completed", moments, told)

    def changed_mind(self, moments: Moments, topics: Ints, *, granted: bool) -> pl.DataFrame:
        """Consent given or taken back in the app's settings."""
        told = pl.struct(
            pl.lit(pl.Series(np.array(TOPICS)[topics])).alias("topic"),
            pl.lit("email").alias("channel"),
            pl.lit("app settings").alias("source"),
        )
        return self._tracked("Consent Granted" if granted else "Consent Withdrawn", moments, told)

    def _tracked(self, event: str, moments: Moments, properties: pl.Expr) -> pl.DataFrame:
        track = pl.lit("track")
        return self._called(
            self._ids, moments, type=track, event=pl.lit(event), properties=properties
        )

    def _called(self, known: pl.DataFrame, moments: Moments, **fields: pl.Expr) -> pl.DataFrame:
        first, self._calls = self._calls, self._calls + len(moments.who)
        numbers = pl.Series("number", range(first, self._calls), dtype=pl.Int64)
        at = pl.Series("at", moments.when, dtype=pl.Int64)
        return (
            known[moments.who]
            .with_columns(at, numbers)
            .select(
                "at",
                "userId",
                pl.format("app-{}", "number").alias("messageId"),
                pl.from_epoch("at", "us").dt.to_string(_TIME).alias("timestamp"),
                **fields,
            )
        )


def batches(calls: Sequence[pl.DataFrame], sent_at: datetime) -> Iterator[bytes]:
    """The bodies for ``POST /v1/batch`` of these calls, in order of time."""
    told = [_encoded(frame) for frame in calls if not frame.is_empty()]
    if not told:
        return
    every = pl.concat(told).sort("at", maintain_order=True)["call"]
    sent = sent_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for start in range(0, len(every), BATCH):
        joined = ",".join(every[start : start + BATCH])
        yield f'{{"batch":[{joined}],"sentAt":"{sent}"}}'.encode()


def _encoded(frame: pl.DataFrame) -> pl.DataFrame:
    call = pl.struct(pl.all().exclude("at")).struct.json_encode()
    return frame.select("at", call.alias("call"))


def _product(products: Ints) -> pl.Expr:
    return pl.struct(pl.lit(_PRODUCTS[name][products]).alias(name) for name in _PRODUCTS.columns)


PRODUCTS = len(_PRODUCTS)
WAYS = len(_WAYS)
