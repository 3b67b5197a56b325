"""Who moves where, and what should be said.

In: definitions, people who may enter, people who are due, facts about them, their arms, the time.
Out: enrollments, passages, sends, tests that were passed.
Verbs: ``check``, ``enter``, ``advance``; ``store`` keeps enrollments.
"""

from courtesy.stages.journeys.advance import Moves, advance
from courtesy.stages.journeys.ahead import conditions_ahead, tests_ahead
from courtesy.stages.journeys.check import check
from courtesy.stages.journeys.describe import describe_step
from courtesy.stages.journeys.enter import enter
from courtesy.stages.journeys.inspector import Known
from courtesy.stages.journeys.model import (
    ARMS,
    CANDIDATES,
    ENROLLMENTS,
    INTENTS,
    TESTED,
    TRIALS,
    Branch,
    Entry,
    Exit,
    Goal,
    Journey,
    Send,
    Trial,
    Variant,
    Wait,
)

__all__ = [
    "ARMS",
    "CANDIDATES",
    "ENROLLMENTS",
    "INTENTS",
    "TESTED",
    "TRIALS",
    "Branch",
    "Entry",
    "Exit",
    "Goal",
    "Journey",
    "Known",
    "Moves",
    "Send",
    "Trial",
    "Variant",
    "Wait",
    "advance",
    "check",
    "conditions_ahead",
    "describe_step",
    "enter",
    "tests_ahead",
]
