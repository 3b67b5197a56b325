"""What is said: intents in, permitted and rendered letters handed to a channel out.

In: ``INTENTS``. Out: verdicts with a reason, letters, receipts.
Verbs: ``gate``, ``render``, ``deliver``.
"""

from courtesy.stages.messages.channels import Channel, Email, SmtpServer
from courtesy.stages.messages.model import INTENTS, Letter, Reason, Receipt, State
from courtesy.stages.messages.policy import Policy

__all__ = [
    "INTENTS",
    "Channel",
    "Email",
    "Letter",
    "Policy",
    "Reason",
    "Receipt",
    "SmtpServer",
    "State",
]
