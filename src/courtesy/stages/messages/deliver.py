"""From claimed messages to letters, and from a channel's receipts to outcomes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.ids import digest
from courtesy.stages.journeys import INTENTS
from courtesy.stages.messages.channels import Channel, Record
from courtesy.stages.messages.gate import gate
from courtesy.stages.messages.journal import HandOver
from courtesy.stages.messages.links import Links
from courtesy.stages.messages.model import (
    OUTCOMES,
    Delivery,
    Facts,
    Letter,
    Reason,
    Receipt,
    ReceiptKind,
    State,
    Verdict,
)
from courtesy.stages.messages.policy import Policy
from courtesy.stages.messages.render import render
from courtesy.stages.messages.template import Template

IN_FLIGHT = 400
"""How many messages one worker claims at once."""

MOST_ATTEMPTS = 8
"""So often a message is handed over, about two days long."""
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(days=1)
_GROWTH = 4
_JITTER = 0.2
_UNANSWERED = "The worker ended before the provider answered."
_Row = dict[str, Any]
FindTemplate = Callable[[str, int, str], Template | None]


@dataclass(frozen=True)
class Prepared:
    """What may be handed over now, and the ``OUTCOMES`` rows of what may not."""

    letters: Sequence[Letter]
    kept_back: pl.DataFrame


def prepare(  # noqa: PLR0913, PLR0917 - everything a letter is made of
    claimed: pl.DataFrame,
    facts: Facts,
    templates: FindTemplate,
    policy: Policy,
    links: Links,
    now: datetime,
) -> Prepared:
    """Judge claimed messages once more, and write the letters of those that may go.

    A message that cannot be written is refused as ``invalid_content``; the others go on.

    Args:
        claimed: ``CLAIMED`` rows.
        facts: fresh ones, ``at_hand_off``.
        templates: finds the template that a version of a journey calls by a name.
        policy: the rules.
        links: makes the addresses in letters.
        now: the date of the letters.
    """
    intents = claimed.with_columns(pl.concat_list("channel").alias("channels"))
    verdicts = gate(intents.select(INTENTS.names()), facts, policy, now)
    judged = claimed.join(
        verdicts.drop("channel", "address_hash"), on="message_id", maintain_order="left"
    )
    free = judged.filter(pl.col("verdict") == Verdict.SEND)
    addressed = free.join(facts.reach, on=("person_id", "channel"), maintain_order="left")
    letters, faulty = _written(addressed, templates, policy, links, now)
    shut = [_shut(row) for row in judged.filter(pl.col("verdict") != Verdict.SEND).to_dicts()]
    return Prepared(letters, _frame(shut + faulty))


async def hand_over(
    letters: Sequence[Letter], channels: Mapping[str, Channel], record: Record
) -> Mapping[str, Delivery]:
    """Give each letter to its channel, which records it; returns what became of them by channel."""
    by_channel: dict[str, list[Letter]] = {}
    for letter in letters:
        by_channel.setdefault(letter.channel, []).append(letter)
    deliveries = await asyncio.gather(
        *(channels[name].deliver(batch, record) for name, batch in by_channel.items())
    )
    return dict(zip(by_channel, deliveries, strict=True))


def delivery_outcomes(
    letters: Sequence[Letter], deliveries: Iterable[Delivery], now: datetime
) -> pl.DataFrame:
    """What became of letters, and of those that were doubted, which come last: ``OUTCOMES``."""
    several = list(deliveries)
    receipts = [receipt for one in several for receipt in one.receipts]
    doubted = [_row(name, State.QUEUED, due_at=now) for one in several for name in one.doubted]
    return pl.concat([outcomes(letters, receipts, now), _frame(doubted)])


def recovered_outcomes(hand_overs: Sequence[HandOver], now: datetime) -> pl.DataFrame:
    """What became of letters that a worker handed over and did not settle: ``OUTCOMES`` rows.

    Where the provider's answer was recorded it counts; else the letter may have been taken.
    """
    receipts = [
        Receipt(one.message_id, one.kind or ReceiptKind.UNCERTAIN, one.detail or _UNANSWERED)
        for one in hand_overs
    ]
    return outcomes(hand_overs, receipts, now)


def outcomes(
    letters: Sequence[Letter | HandOver], receipts: Sequence[Receipt], now: datetime
) -> pl.DataFrame:
    """What became of letters: ``OUTCOMES`` rows.

    A deferred letter is tried again after 1 minute, then 4, 16 and so on up to a day, each longer
    or shorter by up to a fifth; after 8 attempts, about two days, it has failed as
    ``undeliverable``.
    """
    by_id = {letter.message_id: letter for letter in letters}
    return _frame([_outcome(by_id[receipt.message_id], receipt, now) for receipt in receipts])


def _written(
    addressed: pl.DataFrame,
    templates: FindTemplate,
    policy: Policy,
    links: Links,
    now: datetime,
) -> tuple[list[Letter], list[_Row]]:
    letters, faulty = [], []
    for message in addressed.iter_rows(named=True):
        try:
            template = _template(templates, message)
            letters.append(render(message, template, policy, links, now))
        except InputError as error:
            place = f"{error.place}: " if error.place else ""
            faulty.append(_invalid(message["message_id"], f"{place}{error.detail}"))
    return letters, faulty


def _template(find: FindTemplate, message: Mapping[str, Any]) -> Template:
    name = message["template"]
    found = find(message["journey"], message["version"], name)
    if found is None:
        raise InputError(f"There is no template {name}.")
    return found


def _shut(judged: Mapping[str, Any]) -> _Row:
    held = judged["verdict"] == Verdict.HOLD
    return _row(
        judged["message_id"],
        State.HELD if held else State.REFUSED,
        reason=judged["reason"],
        due_at=judged["until"],
    )


def _invalid(message_id: str, detail: str) -> _Row:
    return _row(message_id, State.REFUSED, reason=Reason.INVALID_CONTENT, detail=detail)


def _outcome(letter: Letter | HandOver, receipt: Receipt, now: datetime) -> _Row:
    attempts = letter.attempts + 1
    known: _Row = {
        "detail": receipt.detail,
        "tried": True,
        "receipt": receipt.kind,
        "channel": letter.channel,
        "address_hash": letter.address_hash,
    }
    if receipt.kind == ReceiptKind.DEFERRED and attempts < MOST_ATTEMPTS:
        due = now + _pause(letter.message_id, attempts)
        return _row(letter.message_id, State.QUEUED, due_at=due, **known)
    ends: Mapping[ReceiptKind, tuple[State, Reason | None, datetime | None]] = {
        ReceiptKind.ACCEPTED: (State.SENT, None, now),
        ReceiptKind.UNCERTAIN: (State.UNCERTAIN, None, now),
        ReceiptKind.BOUNCED: (State.FAILED, Reason.SUPPRESSED, None),
        ReceiptKind.REJECTED: (State.FAILED, Reason.UNDELIVERABLE, None),
        ReceiptKind.DEFERRED: (State.FAILED, Reason.UNDELIVERABLE, None),
    }
    state, reason, sent_at = ends[receipt.kind]
    return _row(letter.message_id, state, reason=reason, sent_at=sent_at, **known)


def _pause(message_id: str, attempts: int) -> timedelta:
    grown: int = _GROWTH ** (attempts - 1)
    pause = min(_FIRST_PAUSE * grown, _LONGEST_PAUSE)
    share = int(digest("pause", message_id, str(attempts))[:8], 16) / 0xFFFFFFFF
    return pause * (1 + _JITTER * (2 * share - 1))


def _row(message_id: str, state: State, **known: object) -> _Row:
    return {"message_id": message_id, "state": state, "tried": False} | known


def _frame(rows: Sequence[_Row]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=OUTCOMES, orient="row")
