"""What clients tell us, made clean.

In: bytes of API calls, rows of files. Out: frames of events, each once and at its right time.
Verbs: ``collect``, ``read``; ``store.accept``, ``waiting``, ``unseen``, ``mark_seen``, ``done``.
"""

from courtesy.stages.events.collect import collect
from courtesy.stages.events.model import (
    EVENTS,
    INBOX,
    NORMALISED,
    OWN_SOURCE,
    PERSON,
    Accepted,
    Collected,
    Rejection,
    Source,
)
from courtesy.stages.events.read import read

__all__ = [
    "EVENTS",
    "INBOX",
    "NORMALISED",
    "OWN_SOURCE",
    "PERSON",
    "Accepted",
    "Collected",
    "Rejection",
    "Source",
    "collect",
    "read",
]
