"""Messages, receipts and suppressions in the ledger."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from courtesy.ground.ledger import Transaction, named_queries
from courtesy.ground.primitives.clock import instant
from courtesy.ground.primitives.errors import InputError, NotFoundError
from courtesy.ground.primitives.zones import fixed_offset
from courtesy.stages.events import store as events_store
from courtesy.stages.messages import facts as known
from courtesy.stages.messages.fetches import FETCHES, LONGEST, SETTLING, judge
from courtesy.stages.messages.model import (
    CLAIMED,
    GRANTED,
    INSTANT,
    MAILED,
    OPTED_OUT,
    SENDS,
    SPOKEN,
    Facts,
    State,
    Verdict,
)
from courtesy.stages.messages.policy import EMAIL, Policy, mail_address
from courtesy.stages.messages.returns import judgement_batch, settled
from courtesy.stages.profiles import store as profiles_store
from courtesy.stages.profiles import topic_key

_QUERIES = named_queries(__file__)
_QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)
_STATES = {Verdict.SEND: State.QUEUED, Verdict.HOLD: State.HELD, Verdict.REFUSE: State.REFUSED}
_SAID = (State.SENDING, State.SENT, State.UNCERTAIN)
_INSTANTS = (
    "created_at",
    "due_at",
    "expires_at",
    "sent_at",
    "occurred_at",
    "newest",
)
_ID = pl.Schema({"message_id": pl.String()})
_TRAITS = pl.Schema({"person_id": pl.String(), "name": pl.String(), "value": pl.String()})
_FETCHED = pl.Schema({**FETCHES, "sent_at": INSTANT})
_TIMES = pl.Schema(
    {
        "channel": pl.String(),
        "timezone": pl.String(),
        "quarter": pl.Int64(),
        "messages": pl.Int64(),
    }
)


def facts(  # noqa: PLR0913 - what the gate must know
    transaction: Transaction,
    messages: pl.DataFrame,
    policy: Policy,
    secret: bytes,
    now: datetime,
    *,
    at_hand_off: bool = False,
) -> Facts:
    """What the gate must know of the people whom messages are for.

    Args:
        transaction: of the ledger.
        messages: ``INTENTS`` or ``CLAIMED`` rows; they never count against themselves.
        policy: tells how far back the caps look.
        secret: the home's key.
        now: the present instant.
        at_hand_off: count only what was said or is being said, not what waits behind.
    """
    people = messages.select("person_id").unique(maintain_order=True)
    stored = _addresses(transaction, people)
    since = now - policy.longest_cap
    spoken = transaction.frame(_QUERIES["spoken"], SPOKEN, since=since)
    spoken = spoken.join(messages.select("message_id"), on="message_id", how="anti")
    if at_hand_off:
        spoken = spoken.filter(pl.col("state").is_in(_SAID))
    reachable = known.reach(stored, secret)
    transaction.load("reached", reachable.select("channel", "address_hash").unique())
    suppressed = transaction.frame(_QUERIES["suppressed"], known.SUPPRESSED)
    mailed = transaction.frame(_QUERIES["mailed"], MAILED, since=_first(messages, now) - _DAY)
    if at_hand_off:
        mailed = mailed.filter(pl.col("state").is_in(_SAID))
    topics = _topics(messages)
    return Facts(
        known.marked(reachable, suppressed.unique()),
        known.zones(stored),
        _granted(transaction, topics, people, now),
        spoken,
        _opted_out(transaction, topics, messages, reachable, now),
        mailed,
    )


def put_address_consents(
    transaction: Transaction, consents: pl.DataFrame, people: pl.DataFrame, secret: bytes
) -> None:
    """Keep what people declared for the addresses that they have, too.

    A reader's no holds for the mailbox, whatever other records share it (``address_consents``).

    Args:
        transaction: of the ledger.
        consents: ``CONSENTS`` rows just declared; those with an ``address_hash`` are for that.
        people: whose declarations are kept for their present addresses (``person_id``).
        secret: the home's key.
    """
    reachable = known.reach(_addresses(transaction, people), secret)
    stored = profiles_store.declarations(transaction, people)
    lasting = known.address_consents(stored, reachable, consents)
    if not lasting.is_empty():
        transaction.load("given", lasting)
        transaction.run(_QUERIES["put_address_consents"])


def queue(
    transaction: Transaction, intents: pl.DataFrame, verdicts: pl.DataFrame, now: datetime
) -> None:
    """Keep what the gate said of each intent; a message that is there already stays as it is.

    Args:
        transaction: of the ledger.
        intents: ``INTENTS`` rows.
        verdicts: their ``VERDICTS`` rows.
        now: the present instant.
    """
    rows = intents.join(verdicts, on="message_id", how="inner", maintain_order="left")
    states = {str(verdict): str(state) for verdict, state in _STATES.items()}
    transaction.load(
        "given",
        rows.drop("channels", "priority", "verdict", "until").with_columns(
            rows["verdict"].replace_strict(states, return_dtype=pl.String).alias("state"),
            rows["until"].fill_null(now).alias("due_at"),
        ),
    )
    transaction.run(_QUERIES["queue"])


def claim(transaction: Transaction, worker: str, now: datetime, limit: int) -> pl.DataFrame:
    """Take at most ``limit`` messages that are due, the longest due first: ``CLAIMED`` rows.

    They stand as ``sending`` and are the worker's until it settles or releases them.
    """
    taken = transaction.frame(_QUERIES["claim"], _ID, worker=worker, now=now, most=limit)
    transaction.load("given", taken)
    columns = pl.Schema({name: kind for name, kind in CLAIMED.items() if name != "traits"})
    claimed = transaction.frame(_QUERIES["claimed"], columns)
    transaction.load("given", claimed.select("person_id").unique())
    traits = _objects(transaction.frame(_QUERIES["traits"], _TRAITS))
    joined = claimed.join(traits, on="person_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("traits").fill_null("{}")).select(CLAIMED.names())


def settle(
    transaction: Transaction,
    worker: str,
    outcomes: pl.DataFrame,
    now: datetime,
    costs: Mapping[str, float],
) -> None:
    """Keep what became of claimed messages, as far as they are the worker's still.

    What is no longer its own is left out; what was uncertain meanwhile is told by its outcome. The
    channels' answers become receipts, and an address that bounced is suppressed. The inbox gets one
    batch of events: ``Email Sent`` of what a channel took, ``Email Bounced``.

    Args:
        transaction: of the ledger.
        worker: who claimed them.
        outcomes: ``OUTCOMES`` rows.
        now: the present instant.
        costs: what one message costs, by channel.
    """
    if outcomes.is_empty():
        return
    transaction.load("given", outcomes)
    transaction.run(_QUERIES["keep_own"], worker=worker)
    transaction.run(_QUERIES["settle"])
    transaction.run(_QUERIES["receive"], now=now)
    transaction.run(_QUERIES["suppress_bounced"], now=now)
    batch = settled(transaction.rows(_QUERIES["settled"]), now, costs)
    if batch.collected.count:
        events_store.accept(transaction, [batch])


def keep_fetches(transaction: Transaction, fetches: pl.DataFrame) -> None:
    """Keep ``FETCHES`` rows until they can be judged."""
    if not fetches.is_empty():
        transaction.load("given", fetches.select(FETCHES.names()))
        transaction.run(_QUERIES["keep_fetches"])


def ready_fetches(transaction: Transaction, now: datetime) -> pl.DataFrame:
    """The ``message_id`` of each message whose fetches can be judged now."""
    times = {"quiet_since": now - SETTLING, "waiting_since": now - LONGEST}
    return transaction.frame(_QUERIES["ready"], _ID, **times)


def judge_fetches(transaction: Transaction, now: datetime) -> None:
    """Bring every fetch that can be judged now back through the inbox, as what it was."""
    transaction.load("given", ready_fetches(transaction, now))
    found = judge(transaction.frame(_QUERIES["fetches"], _FETCHED))
    messages = {row["message_id"]: row for row in transaction.rows(_QUERIES["fetched"])}
    known_ones = found.filter(pl.col("message_id").is_in(list(messages)))
    rows = (messages[row["message_id"]] | row for row in known_ones.to_dicts())
    batch = judgement_batch(rows, now)
    if batch.collected.count:
        events_store.accept(transaction, [batch])
    transaction.run(_QUERIES["forget_fetches"])


def put_sent(transaction: Transaction, sends: pl.DataFrame) -> int:
    """Keep sends that the history tells of, so that nothing is sent twice; returns how many.

    Args:
        transaction: of the ledger.
        sends: ``SENDS`` rows.
    """
    transaction.load("given", sends.select(SENDS.names()))
    return transaction.run(_QUERIES["put_sent"])


def doubt(transaction: Transaction, now: datetime, since: datetime) -> int:
    """Mark as ``uncertain`` what was to be said by ``now``, or is queued since; returns how many.

    Where the ledger was restored from an older one, nobody knows whether it was said.
    """
    return transaction.run(_QUERIES["doubt"], now=now, since=since)


def clear(transaction: Transaction) -> None:
    """Forget every message: of a copy that begins with the history alone."""
    for query in ("clear_receipts", "clear_fetches", "clear_messages"):
        transaction.run(_QUERIES[query])


def next_due(transaction: Transaction) -> datetime | None:
    """When the next message is due, if any waits."""
    found = transaction.scalar(_QUERIES["next_due"])
    return instant(found) if found is not None else None


def merge(transaction: Transaction, merges: pl.DataFrame) -> None:
    """Give the messages of people (``person_id``) to those they were merged into (``into_id``)."""
    if not merges.is_empty():
        transaction.load("given", merges)
        transaction.run(_QUERIES["merge"])


def suppress(
    transaction: Transaction, secret: bytes, address: str, reason: str, now: datetime
) -> None:
    """Never write to a mail address again.

    Raises:
        InputError: it is not a mail address.
    """
    found = mail_address(address.strip())
    if found is None:
        raise InputError(f"{address!r:.80} is not a mail address.")
    hashed = known.address_hash(secret, EMAIL, found)
    values = {"channel": EMAIL, "address_hash": hashed, "reason": reason, "now": now}
    transaction.run(_QUERIES["suppress"], **values)


def suppressions(transaction: Transaction) -> list[dict[str, Any]]:
    """How many addresses are suppressed, by channel and reason: ``addresses``, ``newest``."""
    return [_shown(row) for row in transaction.rows(_QUERIES["suppressions"])]


def count_by_state(transaction: Transaction) -> list[dict[str, Any]]:
    """How many messages stand in each state: ``name``, ``messages``."""
    return transaction.rows(_QUERIES["count_by_state"])


def count_by_reason(transaction: Transaction) -> list[dict[str, Any]]:
    """How many messages were not sent for each reason: ``name``, ``messages``."""
    return transaction.rows(_QUERIES["count_by_reason"])


def count_by_hour(transaction: Transaction, default_time_zone: str | None) -> pl.DataFrame:
    """How many messages were sent by ``channel`` and ``hour`` (0 to 23) of the person's day.

    Args:
        transaction: of the ledger.
        default_time_zone: of people whose zone is not known; UTC when None.
    """
    sent = transaction.frame(_QUERIES["sent_times"], _TIMES)
    persons = known.zone_names(sent["timezone"]).fill_null(default_time_zone or "UTC")
    moments = pl.from_epoch(pl.col("quarter") * (_QUARTER // timedelta(seconds=1)))
    timed = sent.select("channel", "messages", persons.alias("zone"), moments.alias("at"))
    hours = [
        timed.filter(pl.col("zone") == zone).select(
            "channel", "messages", _hour(zone).alias("hour")
        )
        for zone in persons.unique()
    ]
    every = pl.concat([timed.select("channel", "messages", hour=pl.lit(0)).clear(), *hours])
    return every.group_by("channel", "hour").agg(pl.col("messages").sum()).sort("channel", "hour")


def of_person(transaction: Transaction, person_id: str) -> list[dict[str, Any]]:
    """Every message for one person, oldest first."""
    return [_shown(row) for row in transaction.rows(_QUERIES["messages_of"], person_id=person_id)]


def message(transaction: Transaction, message_id: str) -> dict[str, Any]:
    """One message with its ``receipts``.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = transaction.one(_QUERIES["message"], message_id=message_id)
    if row is None:
        raise NotFoundError(f"No message has the id {message_id!r:.80}.")
    receipts = transaction.rows(_QUERIES["receipts_of"], message_id=message_id)
    return {**_shown(row), "receipts": [_shown(receipt) for receipt in receipts]}


def _addresses(transaction: Transaction, people: pl.DataFrame) -> pl.DataFrame:
    transaction.load("given", people.select("person_id").unique(maintain_order=True))
    return transaction.frame(_QUERIES["addresses"], known.ADDRESSES)


def _first(messages: pl.DataFrame, now: datetime) -> datetime:
    first = messages["created_at"].min()
    return first if isinstance(first, datetime) else now


def _topics(messages: pl.DataFrame) -> pl.DataFrame:
    """The topics of messages, and how each is compared."""
    topics = messages["topic"].unique().to_list()
    keys = {"topic": topics, "topic_key": [topic_key(topic) for topic in topics]}
    return pl.DataFrame(keys, schema=dict.fromkeys(keys, pl.String()))


def _granted(
    transaction: Transaction, topics: pl.DataFrame, people: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    allowed = profiles_store.allowed(transaction, now, people).rename({"topic": "topic_key"})
    return allowed.join(topics, on="topic_key").select(GRANTED.names())


def _opted_out(
    transaction: Transaction,
    topics: pl.DataFrame,
    messages: pl.DataFrame,
    reachable: pl.DataFrame,
    now: datetime,
) -> pl.DataFrame:
    """The addresses of ``messages`` whose readers said no to the topics of these."""
    wanted = messages.select("person_id", "topic").unique().join(reachable, on="person_id")
    addressed = wanted.join(topics, on="topic").select(*OPTED_OUT.names(), "topic_key").unique()
    transaction.load("addressed", addressed)
    return transaction.frame(_QUERIES["opted_out"], OPTED_OUT, now=now).unique()


def _objects(traits: pl.DataFrame) -> pl.DataFrame:
    """The traits of each person as one JSON object."""
    names = traits["name"].unique()
    spelled = {name: msgspec.json.encode(name).decode() for name in names}
    name = pl.col("name").replace_strict(spelled, return_dtype=pl.String)
    pairs = traits.with_columns((name + ":" + pl.col("value")).alias("pair"))
    together = pairs.group_by("person_id").agg(pl.col("pair").str.join(","))
    return together.select("person_id", ("{" + pl.col("pair") + "}").alias("traits"))


def _hour(zone: str) -> pl.Expr:
    offset = fixed_offset(zone)
    if offset is None:
        local = pl.col("at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    else:
        local = pl.col("at") + offset
    return local.dt.hour().cast(pl.Int32)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: instant(value) if name in _INSTANTS and value is not None else value
        for name, value in row.items()
    }
