"""Who may be spoken to: intents and facts in, a verdict with its reason for each intent out.

The gates, in order: holdout, expiry; then for each preferred channel reachability, suppression,
consent, quiet hours, other letters to the same address, caps. The first channel that lets an intent
pass is taken.
"""

from datetime import datetime, timedelta, tzinfo

import polars as pl

from courtesy.ground.primitives.zones import time_zone
from courtesy.stages.experiments import HOLDOUT
from courtesy.stages.messages.model import (
    INSTANT,
    VERDICTS,
    Facts,
    Reason,
    Verdict,
)
from courtesy.stages.messages.policy import Cap, Policy, QuietHours

_ADVANCE = (
    Reason.HOLDOUT,
    Reason.UNREACHABLE,
    Reason.SUPPRESSED,
    Reason.NO_CONSENT,
    Reason.NO_TIME_ZONE,
    Reason.EXPIRED,
    Reason.DUPLICATE_ADDRESS,
    Reason.CAPPED,
    Reason.LOWER_PRIORITY,
)
"""How far each refusal comes; of several channels the one that came furthest is told."""

_WINDOWS = pl.Schema({"time_zone": pl.String(), "until": INSTANT})
_PERSON = ("person_id", "channel")
_ADDRESSED = ("channel", "address_hash", "journey", "step")
_SAME_INTENT = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def gate(intents: pl.DataFrame, facts: Facts, policy: Policy, now: datetime) -> pl.DataFrame:
    """Judge every intent.

    Among the intents of one person the caps admit the higher ``priority`` first, then the older. A
    person of unknown zone, where the policy gives no default, is refused as ``no_time_zone`` while
    there are quiet hours: it may be night.

    Args:
        intents: ``INTENTS`` rows, n.
        facts: what is known of exactly these people.
        policy: the rules.
        now: the present instant.

    Returns:
        n ``VERDICTS`` rows in the order of the intents.
    """
    options = _judged(_options(intents), facts, policy, now)
    admitted = _admitted(options, facts, policy)
    return _verdicts(intents, admitted, now)


def _options(intents: pl.DataFrame) -> pl.DataFrame:
    """A row for each intent and preferred channel, with its ``place`` in the preference."""
    chosen = intents.select(
        *("message_id", "person_id", "journey", "step", "arm", "topic"),
        *("created_at", "expires_at", "priority"),
        pl.col("channels").alias("channel"),
        pl.int_ranges(pl.col("channels").list.len()).alias("place"),
    )
    return chosen.explode("channel", "place", empty_as_null=True).with_columns(
        pl.col("channel").fill_null(""), pl.col("place").fill_null(0)
    )


def _judged(options: pl.DataFrame, facts: Facts, policy: Policy, now: datetime) -> pl.DataFrame:
    """The options with the ``reason`` why not (as a number), and when they may go: ``until``."""
    known = (
        options.join(facts.reach, on=_PERSON, how="left", maintain_order="left")
        .join(facts.zones, on="person_id", how="left", maintain_order="left")
        .join(
            facts.granted.unique().with_columns(granted=pl.lit(value=True)),
            on=("person_id", "topic", "channel"),
            how="left",
            maintain_order="left",
        )
        .join(
            facts.opted_out.with_columns(opted_out=pl.lit(value=True)),
            on=("channel", "address_hash", "topic"),
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.col("time_zone").fill_null(pl.lit(policy.default_time_zone, pl.String)),
            pl.col("topic").is_in(sorted(policy.service_topics)).alias("service"),
        )
    )
    timed = known.join(
        _windows(known, policy.quiet_hours, now), on="time_zone", how="left", maintain_order="left"
    ).with_columns(
        pl.when("service").then(None).otherwise("until").fill_null(now).cast(INSTANT).alias("until")
    )
    return timed.with_columns(_reason(policy, now).alias("reason"))


def _reason(policy: Policy, now: datetime) -> pl.Expr:
    """The first gate of one option that does not open, null where all do."""
    granted = pl.col("granted").fill_null(value=False)
    permitted = pl.col("service") | (granted & pl.col("opted_out").is_null())
    placeless = pl.col("time_zone").is_null() & pl.lit(policy.quiet_hours is not None)
    late = pl.col("expires_at").is_not_null() & (pl.col("until") >= pl.col("expires_at"))
    gates = (
        (pl.col("arm") == HOLDOUT, Reason.HOLDOUT),
        ((pl.col("expires_at") <= now).fill_null(value=False), Reason.EXPIRED),
        (pl.col("address").is_null(), Reason.UNREACHABLE),
        (pl.col("suppressed"), Reason.SUPPRESSED),
        (~permitted, Reason.NO_CONSENT),
        (placeless & ~pl.col("service"), Reason.NO_TIME_ZONE),
        (late, Reason.EXPIRED),
    )
    return pl.coalesce(
        [pl.when(closed).then(pl.lit(_ADVANCE.index(reason))) for closed, reason in gates]
    ).cast(pl.Int64)


def _windows(known: pl.DataFrame, quiet: QuietHours | None, now: datetime) -> pl.DataFrame:
    """When the quiet hours of each zone in which it is quiet now will end."""
    if quiet is None:
        return pl.DataFrame(schema=_WINDOWS)
    zones = known["time_zone"].drop_nulls().unique().sort()
    ends = ((zone, _quiet_until(quiet, time_zone(zone), now)) for zone in zones)
    return pl.DataFrame([row for row in ends if row[1]], schema=_WINDOWS, orient="row")


def _quiet_until(quiet: QuietHours, zone: tzinfo, now: datetime) -> datetime | None:
    """The first instant from now on that is not quiet on the clocks of a zone; None for now.

    From one change of the clocks to the next, quiet hours end where the offset says; a change may
    end them too, or bring them back. An end that a change skips is the change, and of one that
    comes twice the first that lies ahead counts.
    """
    moment = now
    while quiet.holds((local := moment.astimezone(zone).replace(tzinfo=None)).time()):
        end = moment + (datetime.combine(local, quiet.end) - local) % timedelta(days=1)
        moment = _change(zone, moment, end) or end
    return None if moment == now else moment


def _change(zone: tzinfo, after: datetime, until: datetime) -> datetime | None:
    """When the clocks of a zone change between two instants at most a day apart; None if never."""
    before = after.astimezone(zone).utcoffset()
    if until.astimezone(zone).utcoffset() == before:
        return None
    first, last = after.replace(microsecond=0), until
    while last - first > _SECOND:
        middle = first + (last - first) // _SECOND // 2 * _SECOND
        same = middle.astimezone(zone).utcoffset() == before
        first, last = (middle, last) if same else (first, middle)
    return first + _SECOND


def _admitted(options: pl.DataFrame, facts: Facts, policy: Policy) -> pl.DataFrame:
    """The options after the caps, channel by channel in order of preference."""
    spoken = facts.spoken.filter(~pl.col("topic").is_in(sorted(policy.service_topics))).select(
        *_PERSON, "counted_at", pl.lit(value=False).alias("mate")
    )
    passed = options.head(0).select("message_id")
    mailed = facts.mailed.drop("state")
    judged = []
    for place in options["place"].unique().sort():
        tried = options.filter(pl.col("place") == place)
        tried = tried.join(passed, on="message_id", how="anti", maintain_order="left")
        tried = _capped(_once(tried, mailed), spoken, policy)
        free = tried.filter(pl.col("reason").is_null())
        passed = pl.concat([passed, free.select("message_id")])
        mailed = pl.concat([mailed, _mailed(free)])
        mates = free.filter(~pl.col("service")).select(
            *_PERSON, pl.col("until").alias("counted_at"), pl.lit(value=True).alias("mate")
        )
        spoken = pl.concat([spoken, mates])
        judged.append(tried)
    return pl.concat(judged) if judged else options


def _once(tried: pl.DataFrame, mailed: pl.DataFrame) -> pl.DataFrame:
    """The options, but for what the same step says to the same address of another person.

    Two records with one mailbox get one letter: the first that was made, within a day.
    """
    open_ = tried.filter(pl.col("reason").is_null() & ~pl.col("service"))
    if open_.is_empty():
        return tried
    before = mailed.with_columns(before=pl.lit(value=True))
    beside = _mailed(open_).with_columns(before=pl.lit(value=False))
    met = open_.join(pl.concat([before, beside]), on=_ADDRESSED, how="inner").filter(
        (pl.col("mailed_to") != pl.col("person_id"))
        & ((pl.col("mailed_at") - pl.col("created_at")).abs() < _SAME_INTENT)
    )
    same_time = pl.col("mailed_at") == pl.col("created_at")
    earlier = (pl.col("mailed_at") < pl.col("created_at")) | (
        same_time & (pl.col("mailed_to") < pl.col("person_id"))
    )
    doubles = met.filter(pl.col("before") | earlier)
    double = pl.col("message_id").is_in(doubles["message_id"].implode())
    return tried.with_columns(
        pl.when(double & pl.col("reason").is_null())
        .then(_ADVANCE.index(Reason.DUPLICATE_ADDRESS))
        .otherwise("reason")
        .cast(pl.Int64)
        .alias("reason")
    )


def _mailed(options: pl.DataFrame) -> pl.DataFrame:
    """What options say to their addresses, as columns of ``MAILED``."""
    return options.filter(~pl.col("service")).select(
        *_ADDRESSED, pl.col("person_id").alias("mailed_to"), pl.col("created_at").alias("mailed_at")
    )


def _capped(tried: pl.DataFrame, spoken: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The options of one place in the preference, with the caps' reasons where no other stands."""
    subject = pl.col("reason").is_null() & ~pl.col("service")
    for cap in policy.caps:
        ranked = tried.filter(subject & (pl.col("channel") == cap.channel))
        if not ranked.is_empty():
            found = _over(ranked, spoken, cap)
            tried = tried.join(found, on="message_id", how="left", maintain_order="left")
            tried = tried.with_columns(pl.coalesce("reason", "over").alias("reason")).drop("over")
    return tried


def _over(ranked: pl.DataFrame, spoken: pl.DataFrame, cap: Cap) -> pl.DataFrame:
    """The ``message_id`` of each option over one cap, with the reason ``over``."""
    first = ranked.sort(
        ["priority", "created_at", "message_id"], descending=[True, False, False]
    ).with_columns(pl.int_range(pl.len()).over(_PERSON).alias("before"))
    counted = (
        first.join(spoken, on=_PERSON, how="inner")
        .filter(pl.col("counted_at") > pl.col("until") - cap.within)
        .group_by("message_id")
        .agg(pl.len().alias("all"), (~pl.col("mate")).sum().alias("earlier"))
    )
    known = first.join(counted, on="message_id", how="left").with_columns(
        pl.col("all", "earlier").fill_null(0)
    )
    full = pl.col("earlier") >= cap.at_most
    reason = (
        pl.when(full)
        .then(_ADVANCE.index(Reason.CAPPED))
        .otherwise(_ADVANCE.index(Reason.LOWER_PRIORITY))
    )
    over = known.filter(pl.col("all").cast(pl.Int64) + pl.col("before") >= cap.at_most)
    return over.select("message_id", reason.cast(pl.Int64).alias("over"))


def _verdicts(intents: pl.DataFrame, judged: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """One verdict for each intent: the option that passed, or the one that came furthest."""
    best = (
        judged.with_columns(pl.col("reason").fill_null(len(_ADVANCE)).alias("advance"))
        .sort(["advance", "place"], descending=[True, False])
        .unique("message_id", keep="first", maintain_order=True)
    )
    waits = pl.col("until") > now
    passes = pl.col("reason").is_null()
    told = best.select(
        "message_id",
        pl.when(~passes)
        .then(pl.lit(Verdict.REFUSE))
        .when(waits)
        .then(pl.lit(Verdict.HOLD))
        .otherwise(pl.lit(Verdict.SEND))
        .alias("verdict"),
        "channel",
        pl.when(passes & waits)
        .then(pl.lit(Reason.QUIET_HOURS))
        .otherwise(pl.col("reason").replace_strict(dict(enumerate(_ADVANCE)), default=None))
        .alias("reason"),
        pl.when(passes).then("until").alias("until"),
        "address_hash",
    )
    ordered = intents.select("message_id").join(
        told, on="message_id", how="left", maintain_order="left"
    )
    return ordered.cast(VERDICTS)
