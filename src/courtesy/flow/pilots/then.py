"""Whether conditions held for people in the past, for each at a moment of their own.

A statement of ``ground.rules`` knows one present instant. So everybody's history is moved in time
until all the moments fall on that instant: one statement then answers for all of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from courtesy.flow.trigger import Turn
from courtesy.ground.rules import Condition, compile_conditions, lookback, mentions
from courtesy.ground.rules.literals import timestamp
from courtesy.stages.audiences.sources import Sources, gather
from courtesy.stages.audiences.store import Asked
from courtesy.stages.experiments import EXPOSED

_DAY = timedelta(days=1)
_INSTANT = EXPOSED["exposed_at"]
_LIVED = """
SELECT moments.row AS person_id, lived.event, lived.properties{identified},
       lived.occurred_at + ({now} - moments.at) AS occurred_at
FROM ({history}) AS lived JOIN moments ON moments.person_id = lived.person_id
WHERE lived.occurred_at <= moments.at"""


def held(
    turn: Turn,
    conditions: Mapping[str, Condition],
    moments: pl.DataFrame,
    *,
    anchored: bool = False,
) -> pl.DataFrame:
    """Whether each condition held for each person at their moment.

    What they did is known as of then; traits, consents, audiences and addresses as of now.

    Args:
        turn: where to look.
        conditions: by the name of their column, one or more.
        moments: n rows: ``person_id, at, since`` (instants) and ``entry`` (JSON); several rows of
            one person are fine.
        anchored: count only events since ``since``, but for the ``entry_event_id`` that the rows
            then have; ``within`` is measured from there.

    Returns:
        The n rows in their order, with a boolean column for each condition.
    """
    if moments.is_empty():
        return moments.with_columns(pl.lit(None, pl.Boolean()).alias(name) for name in conditions)
    rows = moments.with_row_index("row").with_columns(pl.col("row").cast(pl.String))
    sources = _moved(turn, conditions, rows, anchored=anchored)
    sql = compile_conditions(conditions, turn.now, anchored=anchored, history=sources.history)
    found = sources.query(turn.app.engine, sql).drop("person_id")
    known = rows.join(found, left_on="row", right_on="subject_id", maintain_order="left")
    return known.drop("row")


def known_now(conditions: Iterable[Condition]) -> Iterator[str]:
    """What ``held`` takes as of now though it may have changed: one text, or none."""
    asked = [mentions(condition) for condition in conditions]
    state = {
        "traits": any(one.traits for one in asked),
        "consents": any(one.topics for one in asked),
        "audiences": any(one.audiences for one in asked),
        "addresses": any(one.channels for one in asked),
    }
    if any(state.values()):
        yield ", ".join(name for name, there in state.items() if there)


def _moved(
    turn: Turn, conditions: Mapping[str, Condition], rows: pl.DataFrame, *, anchored: bool
) -> Sources:
    """What the statement reads, with each row as a person of its own whose time was moved."""
    given = _begun(turn, rows) if anchored else _given(turn, rows)
    asked = Asked(turn.transaction, None)
    known = gather(asked, conditions.values(), given, turn.now, anchored=anchored)
    places = rows.select("row", "person_id")
    frames = {
        name: frame if name in {"given", "merges"} else _of_rows(frame, places)
        for name, frame in known.frames.items()
    }
    frames["moments"] = rows.select("row", "person_id", "at")
    history = _LIVED.format(
        now=timestamp(turn.now),
        history=known.history,
        identified=", lived.message_id" if anchored else "",
    )
    return replace(
        known,
        frames=frames,
        since=min(_dates(rows["since"])) if anchored else _earliest(conditions, rows),
        until=max(_dates(rows["at"])),
        history=history if known.history else "",
    )


def _given(turn: Turn, rows: pl.DataFrame) -> pl.DataFrame:
    moved = pl.col("since") + (pl.lit(turn.now, dtype=_INSTANT) - pl.col("at"))
    return rows.select(
        pl.col("row").alias("subject_id"), pl.col("row").alias("person_id"), moved, "entry"
    )


def _begun(turn: Turn, rows: pl.DataFrame) -> pl.DataFrame:
    never = pl.lit(None, dtype=_INSTANT).alias("until")
    return _given(turn, rows).with_columns(rows["entry_event_id"], never)


def _of_rows(known: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    found = known.join(places, on="person_id").drop("person_id")
    return found.rename({"row": "person_id"})


def _earliest(conditions: Mapping[str, Condition], rows: pl.DataFrame) -> date | None:
    length = lookback(conditions.values())
    return min(_dates(rows["at"])) - length - _DAY if length else None


def _dates(moments: pl.Series) -> Iterator[date]:
    return iter(moments.dt.date().unique())
