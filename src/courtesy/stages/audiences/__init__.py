"""Groups of people, by what they are like and what they did.

In: profiles, consents and the history. Out: truths about people, and who is in which audience.
Verbs: ``check``, ``evaluate``, ``refresh``, ``explain``; ``store`` keeps the members.
"""

from courtesy.stages.audiences.check import check
from courtesy.stages.audiences.evaluate import evaluate, themselves
from courtesy.stages.audiences.explain import Explanation, explain
from courtesy.stages.audiences.model import BEGUN, GIVEN, Audience, Change
from courtesy.stages.audiences.refresh import refresh
from courtesy.stages.audiences.store import population

__all__ = [
    "BEGUN",
    "GIVEN",
    "Audience",
    "Change",
    "Explanation",
    "check",
    "evaluate",
    "explain",
    "population",
    "refresh",
    "themselves",
]
