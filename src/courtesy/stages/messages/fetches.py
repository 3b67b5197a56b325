"""Who fetched an address of a message: a person, or a machine that looks before people do.

Mail scanners follow every link of a letter, mail programs load its picture before anybody sees it.
No single request proves a person, but many prove a machine; a burst is known only when its second
request comes, so that a fetch is judged some seconds after it.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import polars as pl

from courtesy.stages.messages.links import LinkKind
from courtesy.stages.messages.model import INSTANT

SETTLING = timedelta(seconds=10)
"""The fetches of a message are judged together when none came for so long …"""
LONGEST = timedelta(minutes=1)
"""… or when the first of them is so old."""

_BURST = timedelta(seconds=5)
_HASTE = timedelta(seconds=30)
_PREFETCH = timedelta(minutes=1)
_SEVERAL = 2
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_AHEAD = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
# Apple's proxy of pictures calls itself so, and nothing else (Mail Privacy Protection).
_APPLE_PROXY = "Mozilla/5.0"
_PROXY = re.compile(r"GoogleImageProxy|ggpht\.com|YahooMailProxy", re.IGNORECASE)
_AGENT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|scanner|urlscan|preview|GoogleMessages|Google-Safety"
    r"|facebookexternalhit|WhatsApp/|Barracuda|Proofpoint"
    r"|Mimecast|MessageLabs|Symantec|TrendMicro|Forcepoint|IronPort|Sophos|SafeLinks|antivirus",
    re.IGNORECASE,
)


class Signal(StrEnum):
    """What shows that a fetch was a machine's.

    ``agent``: it says so itself. ``prefetch``: it is ahead of a person. ``proxy``: a mail
    program's proxy took the picture within a minute after the message was sent. ``burst``:
    different links within 5 seconds. ``haste``: different links, within 30 seconds after that.
    """

    AGENT = "agent"
    PREFETCH = "prefetch"
    PROXY = "proxy"
    BURST = "burst"
    HASTE = "haste"


FETCHES = pl.Schema(
    {
        "fetch_id": pl.String(),
        "message_id": pl.String(),
        "kind": pl.String(),
        "url": pl.String(),
        "signal": pl.String(),
        "occurred_at": INSTANT,
    }
)
"""Requests for addresses of messages: ``kind`` is a ``LinkKind``, ``signal`` empty or a ``Signal``
that the request itself gave."""


def read_signal(kind: LinkKind, headers: Mapping[str, str]) -> Signal | None:
    """What the headers of a request (names in small letters) show; None for nothing."""
    agent = headers.get("user-agent", "")
    if any(_AHEAD.search(headers.get(name, "")) for name in _PURPOSES):
        return Signal.PREFETCH
    if kind is LinkKind.OPEN and agent.strip() == _APPLE_PROXY:
        return Signal.PREFETCH
    if _PROXY.search(agent):
        return Signal.PROXY
    return Signal.AGENT if _AGENT.search(agent) else None


def judge(fetches: pl.DataFrame) -> pl.DataFrame:
    """Tell machines from people.

    Args:
        fetches: ``FETCHES`` rows with ``sent_at``, all that is known of each message.

    Returns:
        The same rows by time, with ``machine``: the ``Signal``, or null for a person.
    """
    known = fetches.sort("message_id", "occurred_at", "fetch_id").with_columns(
        (pl.col("occurred_at") - pl.col("sent_at")).alias("after")
    )
    links = known.filter(pl.col("kind") != LinkKind.OPEN)
    bursts = links.filter(_within_burst())
    near = known.join_asof(
        bursts.select("message_id", "occurred_at", pl.lit(value=True).alias("near")),
        on="occurred_at",
        by="message_id",
        strategy="nearest",
        tolerance=_BURST,
        check_sortedness=False,
    )
    link = pl.col("kind") != LinkKind.OPEN
    burst = pl.when(link).then(pl.col("fetch_id").is_in(bursts["fetch_id"].implode()))
    soon = pl.col("after") <= _HASTE
    several = pl.col("url").filter(link & soon).n_unique().over("message_id") >= _SEVERAL
    proxy = pl.col("signal") == Signal.PROXY
    late = (proxy & (pl.col("after") > _PREFETCH)).fill_null(value=False)
    signs = (
        ((pl.col("signal") != "") & ~late, pl.col("signal")),
        (burst.otherwise(pl.col("near").fill_null(value=False)), pl.lit(Signal.BURST)),
        (link & soon & several, pl.lit(Signal.HASTE)),
    )
    machine = pl.coalesce([pl.when(seen).then(sign) for seen, sign in signs])
    return near.with_columns(machine.alias("machine")).drop("near", "after")


def _within_burst() -> pl.Expr:
    """Whether another link of the message was fetched shortly before or after; rows by time.

    The nearest other link lies at the end of the run of equal ones before, or at the beginning of
    the one after.
    """
    url, at = pl.col("url"), pl.col("occurred_at")
    before = pl.when(url != url.shift(1)).then(at.shift(1)).forward_fill()
    after = pl.when(url != url.shift(-1)).then(at.shift(-1)).backward_fill()
    close = (at - before <= _BURST) | (after - at <= _BURST)
    return close.over("message_id").fill_null(value=False)
