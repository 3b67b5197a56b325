"""What clients tell us, made clean.

In: bytes of API calls, rows of files. Out: frames of events, de-duplicated and with corrected times.
Verbs: ``collect``, ``read``; ``store.accept``, ``waiting``, ``unseen``, ``done``.
"""

from courtesy.stages.events.model import (
    EVENTS,
    INBOX,
    NORMALISED,
    Accepted,
    Collected,
    Rejection,
    Source,
)

__all__ = ["EVENTS", "INBOX", "NORMALISED", "Accepted", "Collected", "Rejection", "Source"]
