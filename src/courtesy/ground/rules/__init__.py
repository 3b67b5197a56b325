"""The condition language: who is meant, said in YAML and answered in one SQL statement.

In: a tree of plain data. Out: a ``Condition``, and DuckDB SQL over the relations of ``compile.py``.
Verbs: ``parse``, ``compile_conditions``, ``explain``, ``mentions``, ``leaves``,
``lookback``.
"""

from courtesy.ground.rules.compile import compile_conditions
from courtesy.ground.rules.describe import describe
from courtesy.ground.rules.explain import explain
from courtesy.ground.rules.mentions import Mentions, leaves, lookback, mentions
from courtesy.ground.rules.model import (
    AllOf,
    AnyOf,
    Condition,
    Consented,
    Did,
    Leaf,
    Member,
    Not,
    Reachable,
    Sequence,
    Trait,
)
from courtesy.ground.rules.parse import parse

__all__ = [
    "AllOf",
    "AnyOf",
    "Condition",
    "Consented",
    "Did",
    "Leaf",
    "Member",
    "Mentions",
    "Not",
    "Reachable",
    "Sequence",
    "Trait",
    "compile_conditions",
    "describe",
    "explain",
    "leaves",
    "lookback",
    "mentions",
    "parse",
]
