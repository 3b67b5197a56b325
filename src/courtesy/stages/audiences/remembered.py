"""Truths about a few people, without asking the engine for the same twice.

A statement that reads no history is a pure function of what the ledger knows of a person: equal
facts have equal truths. The facts are looked up each time; only the answer is remembered.
"""

from collections.abc import Iterable

import polars as pl

from courtesy.ground.lake import Engine
from courtesy.ground.primitives.ids import digest
from courtesy.ground.primitives.memory import Memory
from courtesy.stages.audiences.sources import Sources

_FEW = 100
_PERSON = "person_id"
_KNOWN: Memory[str, tuple[bool, ...]] = Memory(most=10_000)


def truths(engine: Engine, sql: str, names: Iterable[str], sources: Sources) -> pl.DataFrame:
    """The rows of a statement of ``compile_conditions``.

    Args:
        engine: what is asked where an answer is not known yet.
        sql: the statement.
        names: of its conditions.
        sources: what the statement reads.
    """
    given = sources.frames["given"]
    if sources.history or given.height > _FEW:
        return sources.query(engine, sql)
    keys = _keys(sql, sources)
    known = {person_id: _KNOWN.get(key) for person_id, key in keys.items()}
    if None in known.values():
        for _, person_id, *found in sources.query(engine, sql).iter_rows():
            known[person_id] = _KNOWN.keep(keys[person_id], tuple(found))
    subjects = given.select("subject_id", _PERSON)
    rows = [(*subject, *(known[subject[1]] or ())) for subject in subjects.iter_rows()]
    schema = {**subjects.schema, **dict.fromkeys(names, pl.Boolean())}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _keys(sql: str, sources: Sources) -> dict[str, str]:
    """Of each person a digest of the statement and of all the facts that it may read."""
    facts: dict[str, list[str]] = {one: [] for one in sources.frames["given"][_PERSON]}
    for name, frame in sources.frames.items():
        if name != "given":
            for person_id, *fact in frame.select(_PERSON, pl.exclude(_PERSON)).iter_rows():
                facts.get(person_id, []).append(repr((name, *fact)))
    return {person_id: digest(sql, *sorted(those)) for person_id, those in facts.items()}
