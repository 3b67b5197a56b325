"""Plain sentences for the words that the system keeps."""

from collections.abc import Mapping
from types import MappingProxyType

from courtesy.stages.messages import Reason

MEANINGS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.HOLDOUT: "The person is among those left alone, so that the effect can be measured.",
        Reason.NO_CONSENT: "The person has not agreed to hear about this topic on this channel.",
        Reason.DUPLICATE_ADDRESS: "The same letter went to this mailbox for another record of it.",
        Reason.SUPPRESSED: "The address bounced or was shut out before; nothing goes there again.",
        Reason.UNREACHABLE: "There is no valid address on the channel.",
        Reason.NO_TIME_ZONE: "Quiet hours hold, and nothing says when it is night for the person:"
        " set default_time_zone in policy.yaml, or send context.timezone.",
        Reason.QUIET_HOURS: "It was night for the person.",
        Reason.CAPPED: "The person had as many messages lately as the policy allows.",
        Reason.LOWER_PRIORITY: "Something more important was said to the person instead.",
        Reason.EXPIRED: "By the time it could have been sent, it was no longer worth saying.",
        Reason.INVALID_CONTENT: "The template could not be filled for this person.",
        Reason.UNDELIVERABLE: "The provider would not take it, however often it was tried.",
        Reason.RECALLED: "Its journey was stopped before it left.",
    }
)
"""What each reason for not sending means."""

ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "goal": "Reached the goal",
        "exit": "Left by an exit",
        "completed": "Came to the end",
        "stopped": "Was taken out when the journey was stopped",
    }
)
"""How a passage through a journey ends."""
