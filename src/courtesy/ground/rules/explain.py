"""Why somebody is meant, or not: each leaf of a condition with its truth and its evidence."""

from datetime import datetime

from courtesy.ground.rules.compile import known, truth
from courtesy.ground.rules.describe import describe
from courtesy.ground.rules.facts import Facts
from courtesy.ground.rules.literals import literal
from courtesy.ground.rules.mentions import leaves
from courtesy.ground.rules.model import (
    Condition,
    Consented,
    Did,
    Leaf,
    Member,
    Path,
    Sequence,
    Trait,
)
from courtesy.ground.rules.node import spell


def explain(
    condition: Condition, now: datetime, *, anchored: bool = False, history: str = ""
) -> str:
    """One SELECT with a row for each leaf of the condition and each row of ``given``.

    Its columns are ``subject_id``, ``path`` (such as ``all[1].not``), ``leaf`` (in words),
    ``holds`` (BOOLEAN) and ``evidence`` (a JSON object: the count and the last time, the trait's
    value, …), in the order in which the leaves are written. It reads the relations of
    ``compile_conditions``.

    Args:
        condition: what to explain.
        now: the present instant, with a zone.
        anchored: as for ``compile_conditions``.
        history: as for ``compile_conditions``.
    """
    facts = Facts(now, anchored=anchored, history=history)
    rows = [_row(index, *found, facts) for index, found in enumerate(leaves(condition))]
    every = " UNION ALL ".join(rows)
    return facts.statement(
        f"SELECT subject_id, path, leaf, holds, evidence FROM ({every}) AS every "  # noqa: S608 - values are escaped literals
        "ORDER BY subject_id, position"
    )


def _row(position: int, path: Path, leaf: Leaf, facts: Facts) -> str:
    columns = (
        "subject_id",
        f"{position} AS position",
        f"{literal(spell(path))} AS path",
        f"{literal(describe(leaf))} AS leaf",
        f"{truth(leaf, facts)} AS holds",
        f"{_evidence(leaf, facts)} AS evidence",
    )
    return f"SELECT {', '.join(columns)} FROM facts"  # noqa: S608 - values are escaped literals


def _evidence(leaf: Leaf, facts: Facts) -> str:
    if isinstance(leaf, Did):
        count = f"CAST(coalesce({facts.count(leaf)}, 0) AS VARCHAR)"
        return _object(count=count, last=_moment(facts.last(leaf)))
    if isinstance(leaf, Sequence):
        moments = " || ', ' || ".join(_moment(reached) for reached in facts.reached(leaf))
        return _object(times=f"'[' || {moments} || ']'")
    if isinstance(leaf, Trait):
        return _object(value=f"coalesce({facts.trait(leaf)}, 'null')")
    if isinstance(leaf, Consented):
        return _object(granted=_word(known(leaf, facts), "null"))
    word = _word(known(leaf, facts), "false")
    return _object(member=word) if isinstance(leaf, Member) else _object(reachable=word)


def _object(**fields: str) -> str:
    """A JSON object as text, from expressions that yield JSON."""
    entries = " || ', ' || ".join(f"'\"{name}\": ' || {value}" for name, value in fields.items())
    return f"'{{' || {entries} || '}}'"


def _word(expression: str, otherwise: str) -> str:
    return f"coalesce(CAST({expression} AS VARCHAR), '{otherwise}')"


def _moment(expression: str) -> str:
    return f"coalesce('\"' || CAST({expression} AS VARCHAR) || '\"', 'null')"
