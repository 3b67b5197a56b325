"""Who moves where, and what should be said.

In: definitions, people who may enter, people who are due, facts about them and the time.
Out: enrollments, passages, sends.
Verbs: ``check``, ``enter``, ``advance``; ``store`` keeps enrollments.
"""

from courtesy.stages.journeys.advance import Moves, advance, conditions_ahead
from courtesy.stages.journeys.check import check
from courtesy.stages.journeys.enter import enter
from courtesy.stages.journeys.model import (
    CANDIDATES,
    ENROLLMENTS,
    INTENTS,
    Branch,
    Entry,
    Exit,
    Goal,
    Journey,
    Send,
    Wait,
)
from courtesy.stages.journeys.steps import Known

__all__ = [
    "CANDIDATES",
    "ENROLLMENTS",
    "INTENTS",
    "Branch",
    "Entry",
    "Exit",
    "Goal",
    "Journey",
    "Known",
    "Moves",
    "Send",
    "Wait",
    "advance",
    "check",
    "conditions_ahead",
    "enter",
]
