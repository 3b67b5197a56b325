"""A letter as one person would get it, with no message of it: to look at, or for a tester."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec

from courtesy import workspace
from courtesy.app import App, missing_to_send
from courtesy.ground.lake import Engine
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DeliveryError, InputError, NotFoundError
from courtesy.ground.primitives.ids import digest
from courtesy.ground.rules.literals import literal
from courtesy.stages.events import EVENTS
from courtesy.stages.journeys import Journey, Send
from courtesy.stages.messages import Letter, Links, Receipt, ReceiptKind, Template, render
from courtesy.stages.messages.policy import EMAIL
from courtesy.stages.profiles import store as profiles_store
from courtesy.workspace import Workspace

_NOWHERE = "https://preview.invalid"
_LAST = """
SELECT properties FROM events WHERE event = {event}
AND person_id IN (SELECT person_id FROM asked) ORDER BY occurred_at DESC, message_id LIMIT 1"""


def preview(app: App, name: str, person: str) -> Letter:
    """The letter of a template, or of the first send of a journey, for one person.

    What began the journey is the last event of that name that the person did.

    Raises:
        NotFoundError: there is no such template or journey, or nobody is called so.
        InputError: the template cannot be filled for this person, or there is no policy.
    """
    now = app.clock.now()
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        template, journey = _found(definitions, name)
        known = profiles_store.person(transaction, person, now)
        entry = _entry(app.engine, transaction, journey, known["person_id"])
    if definitions.policy is None:
        raise InputError("There is no policy in force; it says who speaks.")
    message = {
        "message_id": digest("preview", name, known["person_id"]),
        "channel": EMAIL,
        "address": str(known["traits"].get("email", "")),
        "address_hash": "",
        "attempts": 0,
        "topic": journey.topic if journey else next(iter(definitions.policy.service_topics), ""),
        "journey": journey.name if journey else "",
        "traits": msgspec.json.encode(known["traits"]).decode(),
        "entry": entry,
        "variant": None,
    }
    links = Links(app.secret, app.settings.public_url or _NOWHERE)
    return render(message, template, definitions.policy, links, now)


def send_test(app: App, name: str, person: str, tester: str) -> Receipt:
    """Send a letter as one person would get it to a tester whom the policy names.

    Raises:
        InputError: the policy names no such tester, or a mail server or public address is missing.
        DeliveryError: the mail server cannot be used, or refused the letter.
    """
    with app.ledger.read() as transaction:
        policy = workspace.in_force(transaction).policy
    testers = policy.testers if policy else ()
    if tester not in testers:
        named = ", ".join(testers) or "nobody"
        raise InputError(f"Only testers get tests; policy.yaml names {named}.", place=tester)
    if missing := missing_to_send(app):
        raise InputError(" ".join(missing))
    letter = preview(app, name, person)
    test = replace(letter, address=tester, subject=f"[Test] {letter.subject}")
    delivery = app.runner.run(app.channels[EMAIL].deliver([test], _Unrecorded()))
    if delivery.provider_failure or not delivery.receipts:
        raise DeliveryError(delivery.provider_failure or "It was not taken.")
    (receipt,) = delivery.receipts
    if receipt.kind != ReceiptKind.ACCEPTED:
        raise DeliveryError(receipt.detail)
    return receipt


class _Unrecorded:
    """A test is no message: nothing of it is kept."""

    async def record(self, letter: Letter) -> None:  # noqa: ARG002 - the contract's
        """Note nothing."""
        await asyncio.sleep(0)

    def answer(self, receipt: Receipt) -> None:
        """Note nothing."""


def _found(definitions: Workspace, name: str) -> tuple[Template, Journey | None]:
    journey = definitions.journeys.get(name)
    if journey is None:
        if name in definitions.templates:
            return definitions.templates[name], None
        there = ", ".join(sorted([*definitions.journeys, *definitions.templates])) or "none"
        raise NotFoundError(f"There is no journey or template {name!r:.60}. There is: {there}.")
    sends = [node.template for node in journey.nodes.values() if isinstance(node, Send)]
    known = [one for one in reversed(sends) if one in definitions.templates]
    if not known:
        raise NotFoundError(f"The journey {name} sends no template of a fixed name; name one.")
    return definitions.templates[known[0]], journey


def _entry(engine: Engine, transaction: Transaction, journey: Journey | None, person: str) -> str:
    if journey is None or journey.entry.event is None:
        return "{}"
    asked = profiles_store.ids_of(transaction, person)
    sql = _LAST.format(event=literal(journey.entry.event))
    rows: list[dict[str, Any]] = engine.query(
        sql, tables=[EVENTS], frames={"asked": asked}
    ).to_dicts()
    return str(rows[0]["properties"]) if rows else "{}"
