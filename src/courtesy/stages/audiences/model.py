"""The nouns of this stage: an audience, who is asked about, and what changed."""

from dataclasses import dataclass

import polars as pl

from courtesy.ground.rules import Condition

GIVEN = pl.Schema(
    {
        "subject_id": pl.String(),
        "person_id": pl.String(),
        "since": pl.Datetime("us", "UTC"),
        "entry": pl.String(),
    }
)
"""Whom to ask about: a subject (unique) with the person behind it, when it began (or null) and the
properties of the event that it began with (a JSON object, or null)."""

BEGUN = pl.Schema({**GIVEN, "entry_event_id": pl.String(), "until": GIVEN["since"]})
"""Whom to ask about what they did since their beginning: also the id of the event that they began
with, which never counts itself, and the instant up to which events count; both may be null."""


@dataclass(frozen=True)
class Audience:
    """A checked definition: everybody for whom ``when`` holds."""

    name: str
    owner: str | None
    description: str | None
    when: Condition


@dataclass(frozen=True)
class Change:
    """Who joined and who left an audience: frames with the column ``person_id``."""

    joined: pl.DataFrame
    left: pl.DataFrame
