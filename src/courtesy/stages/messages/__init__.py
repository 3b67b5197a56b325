"""What is said: intents in, permitted and rendered letters handed to a channel out.

In: ``INTENTS``, a policy, templates. Out: verdicts with a reason, letters, receipts.
Verbs: ``gate``; ``check_template``, ``render``; ``prepare``, ``hand_over``, ``outcomes``;
``store.facts``, ``queue``, ``claim``, ``settle``, ``release``, ``repeat``.
"""

from courtesy.stages.journeys import INTENTS
from courtesy.stages.messages.channels import Channel, Email, Recording, SmtpServer
from courtesy.stages.messages.deliver import IN_FLIGHT, Prepared, hand_over, outcomes, prepare
from courtesy.stages.messages.flight import Flight
from courtesy.stages.messages.gate import gate
from courtesy.stages.messages.links import Links
from courtesy.stages.messages.model import (
    VERDICTS,
    Delivery,
    Facts,
    Letter,
    Reason,
    Receipt,
    ReceiptKind,
    State,
    Verdict,
)
from courtesy.stages.messages.policy import CHANNELS, Policy
from courtesy.stages.messages.render import render
from courtesy.stages.messages.template import Template, check_template

__all__ = [
    "CHANNELS",
    "INTENTS",
    "IN_FLIGHT",
    "VERDICTS",
    "Channel",
    "Delivery",
    "Email",
    "Facts",
    "Flight",
    "Letter",
    "Links",
    "Policy",
    "Prepared",
    "Reason",
    "Receipt",
    "ReceiptKind",
    "Recording",
    "SmtpServer",
    "State",
    "Template",
    "Verdict",
    "check_template",
    "gate",
    "hand_over",
    "outcomes",
    "prepare",
    "render",
]
