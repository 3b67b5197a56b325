"""The nouns of this stage: intents, verdicts, facts, letters and receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import polars as pl

from courtesy.stages.journeys import INTENTS
from courtesy.stages.messages.policy import Sender

INSTANT = pl.Datetime("us", "UTC")


class Reason(StrEnum):
    """Why a message was not sent, or not yet."""

    HOLDOUT = "holdout"
    NO_CONSENT = "no_consent"
    DUPLICATE_ADDRESS = "duplicate_address"
    SUPPRESSED = "suppressed"
    UNREACHABLE = "unreachable"
    NO_TIME_ZONE = "no_time_zone"
    QUIET_HOURS = "quiet_hours"
    CAPPED = "capped"
    LOWER_PRIORITY = "lower_priority"
    EXPIRED = "expired"
    INVALID_CONTENT = "invalid_content"
    UNDELIVERABLE = "undeliverable"
    RECALLED = "recalled"


class State(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    HELD = "held"
    PAUSED = "paused"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    REFUSED = "refused"


class Verdict(StrEnum):
    """What the gate says of an intent."""

    SEND = "send"
    HOLD = "hold"
    REFUSE = "refuse"


class ReceiptKind(StrEnum):
    """What a channel says of a letter; every provider's answers are brought to these.

    ``accepted``: the provider took it. ``deferred``: not now, try again. ``bounced``: this address
    does not take mail. ``rejected``: refused, and not for the address. ``uncertain``: the provider
    had wholly got it and did not answer.
    """

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


VERDICTS = pl.Schema(
    {
        "message_id": pl.String(),
        "verdict": pl.String(),
        "channel": pl.String(),
        "reason": pl.String(),
        "until": INSTANT,
        "address_hash": pl.String(),
    }
)
"""What the gate says; ``until`` is when to say it, null where it is refused. ``address_hash`` is
that of the address on the channel, null where there is none."""

REACH = pl.Schema(
    {
        "person_id": pl.String(),
        "channel": pl.String(),
        "address": pl.String(),
        "address_hash": pl.String(),
        "suppressed": pl.Boolean(),
    }
)
"""How each person can be reached: one row for each channel with a valid address."""

GRANTED = pl.Schema({"person_id": pl.String(), "topic": pl.String(), "channel": pl.String()})
"""What each person allows now; whatever is not listed is not allowed."""

SPOKEN = pl.Schema(
    {
        "message_id": pl.String(),
        "person_id": pl.String(),
        "channel": pl.String(),
        "topic": pl.String(),
        "state": pl.String(),
        "counted_at": INSTANT,
    }
)
"""What was or is going to be said to each person, and when."""

OPTED_OUT = pl.Schema({"channel": pl.String(), "address_hash": pl.String(), "topic": pl.String()})
"""The addresses whose readers said no to a topic, whatever person they belong to."""

MAILED = pl.Schema(
    {
        "channel": pl.String(),
        "address_hash": pl.String(),
        "journey": pl.String(),
        "step": pl.String(),
        "mailed_to": pl.String(),
        "mailed_at": INSTANT,
        "state": pl.String(),
    }
)
"""What is or will be said to an address by a step of a journey, to which person."""

ZONES = pl.Schema({"person_id": pl.String(), "time_zone": pl.String()})
"""The time zone of each person whose zone can be read, as ``read_zone`` returns it."""

SENDS = pl.Schema(
    {
        "message_id": pl.String(),
        "person_id": pl.String(),
        "journey": pl.String(),
        "step": pl.String(),
        "template": pl.String(),
        "topic": pl.String(),
        "channel": pl.String(),
        "variant": pl.String(),
        "sent_at": pl.Datetime("us", "UTC"),
    }
)
"""What the history knows of a message that its channel took."""

CLAIMED = pl.Schema(
    {
        **{name: kind for name, kind in INTENTS.items() if name != "channels"},
        "channel": pl.String(),
        "attempts": pl.Int64(),
        "entry": pl.String(),
        "traits": pl.String(),
    }
)
"""Messages whose time has come, with all that rendering needs; ``entry`` and ``traits`` are JSON
objects."""

OUTCOMES = pl.Schema(
    {
        "message_id": pl.String(),
        "state": pl.String(),
        "reason": pl.String(),
        "detail": pl.String(),
        "tried": pl.Boolean(),
        "due_at": INSTANT,
        "sent_at": INSTANT,
        "receipt": pl.String(),
        "channel": pl.String(),
        "address_hash": pl.String(),
    }
)
"""What became of claimed messages. ``tried``: a channel was asked; ``due_at`` null leaves it;
``address_hash`` is that of a letter, null where none was written."""


@dataclass(frozen=True)
class Facts:
    """What the gate knows.

    Of the people ``REACH``, ``ZONES``, ``GRANTED`` and ``SPOKEN``; of their addresses ``OPTED_OUT``
    and ``MAILED``.
    """

    reach: pl.DataFrame
    zones: pl.DataFrame
    granted: pl.DataFrame
    spoken: pl.DataFrame
    opted_out: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OPTED_OUT))
    mailed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MAILED))


@dataclass(frozen=True, slots=True)
class Letter:
    """One rendered message on its way to one address."""

    message_id: str
    channel: str
    address: str
    address_hash: str
    attempts: int
    sender: Sender
    subject: str
    html: str
    text: str
    unsubscribe_url: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel says of one letter; ``detail`` is the provider's own sentence."""

    message_id: str
    kind: ReceiptKind
    detail: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of letters that a channel was given.

    ``provider_failure`` says why the provider cannot be used now, if so. A letter without a receipt
    was not handed over and goes back to the queue as it was; those ``doubted`` were refused in a
    way that may be the provider's fault, and let others go first.
    """

    receipts: Sequence[Receipt] = ()
    provider_failure: str | None = None
    doubted: Sequence[str] = ()
