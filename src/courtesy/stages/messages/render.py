"""From a template and one person's facts to one letter."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.line import one_line
from courtesy.stages.messages.dialect import LINK_NAME, filled
from courtesy.stages.messages.links import Links
from courtesy.stages.messages.model import Letter
from courtesy.stages.messages.policy import Policy
from courtesy.stages.messages.template import SERVICE, Template

KNOWN_VARIABLES = frozenset(
    {
        *("person", "event", "journey", "arm", "test", "unsubscribe_url", "postal_address"),
        *("open_url", "now", "today", LINK_NAME),
    }
)
"""What every template can name beside the traits of the person."""

_object = msgspec.json.Decoder(dict[str, Any]).decode


def render(
    message: Mapping[str, Any], template: Template, policy: Policy, links: Links, now: datetime
) -> Letter:
    """Write one letter.

    Liquid sees ``person`` (the traits, which also stand by their own names), ``event`` (properties
    of the event that began the journey), ``journey``, ``arm`` and ``test`` (the person's arm in the
    nearest test before the step, and their level of each of its factors), ``unsubscribe_url`` and
    ``postal_address``.

    Args:
        message: a row of ``CLAIMED`` with ``address`` and ``address_hash``.
        template: what to say.
        policy: who says it.
        links: makes the addresses in it.
        now: the date of the letter.

    Raises:
        InputError: the template cannot be filled with these facts, or may not be used for this
            topic; the detail is Liquid's own sentence.
    """
    if template.purpose == SERVICE and message["topic"] not in policy.service_topics:
        raise InputError(f"A service template cannot speak about {message['topic']}.")
    facts = _facts(message, policy, links, now)
    return Letter(
        message_id=message["message_id"],
        channel=message["channel"],
        address=message["address"],
        address_hash=message["address_hash"],
        attempts=message["attempts"],
        sender=policy.sender,
        subject=one_line(filled(template.subject, facts, "subject")),
        html=filled(template.html, facts, "HTML part"),
        text=filled(template.text, facts, "text part"),
        unsubscribe_url=facts["unsubscribe_url"],
        written_at=now,
    )


def _facts(
    message: Mapping[str, Any], policy: Policy, links: Links, now: datetime
) -> dict[str, Any]:
    traits = _object(message["traits"])
    variant = _object(message["variant"] or "{}")
    message_id = message["message_id"]
    return {
        **traits,
        "person": traits,
        "event": _object(message["entry"]),
        "journey": message["journey"],
        "arm": variant.get("arm"),
        "test": variant,
        "unsubscribe_url": links.unsubscribe(message_id),
        "postal_address": policy.postal_address,
        "open_url": links.opened(message_id),
        "now": now,
        "today": now,
        LINK_NAME: lambda target: links.clicked(message_id, target),
    }
