"""Who is who, what they are like and what they allow.

In: normalised events. Out: the same events with ``person_id``, and rows of identifiers, traits
and consents.
Verbs: ``identify``, ``fold``, ``declared_consents``; ``store`` keeps and finds them.
"""

from courtesy.stages.profiles.consent import channel_key, declared_consents, topic_key
from courtesy.stages.profiles.fold import fold
from courtesy.stages.profiles.identify import Identified, identify
from courtesy.stages.profiles.model import ALLOWED, CONSENTS, IDENTIFIERS, TRAITS

__all__ = [
    "ALLOWED",
    "CONSENTS",
    "IDENTIFIERS",
    "TRAITS",
    "Identified",
    "channel_key",
    "declared_consents",
    "fold",
    "identify",
    "topic_key",
]
