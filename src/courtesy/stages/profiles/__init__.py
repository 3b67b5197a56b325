"""Who is who, what they are like and what they allow.

In: normalised events. Out: the same events with ``person_id``, and rows of identifiers, traits
and consents.
Verbs: ``identify``, ``fold``, ``consents_of``; ``store`` keeps and finds them.
"""

from courtesy.stages.profiles.consent import consents_of
from courtesy.stages.profiles.fold import fold
from courtesy.stages.profiles.identify import Identified, identify
from courtesy.stages.profiles.model import CONSENTS, IDENTIFIERS, TRAITS

__all__ = [
    "CONSENTS",
    "IDENTIFIERS",
    "TRAITS",
    "Identified",
    "consents_of",
    "fold",
    "identify",
]
