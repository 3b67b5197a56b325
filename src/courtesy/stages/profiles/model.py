"""The nouns of this stage, as the columns of their frames."""

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
USER = "user_id"
ANONYMOUS = "anonymous_id"
ANY = "*"

IDENTIFIERS = pl.Schema({"kind": pl.String(), "value": pl.String(), "person_id": pl.String()})
"""What a client calls a person; ``kind`` is ``user_id`` or ``anonymous_id``."""

KNOWN = pl.Schema({**IDENTIFIERS, "named": pl.Boolean()})
"""An identifier that is stored; ``named`` where its person has a ``user_id``."""

PEOPLE = pl.Schema({"person_id": pl.String(), "created_at": INSTANT})

MERGES = pl.Schema({"person_id": pl.String(), "into_id": pl.String()})
"""Two people who turned out to be one."""

TRAITS = pl.Schema(
    {"person_id": pl.String(), "name": pl.String(), "value": pl.String(), "occurred_at": INSTANT}
)
"""What somebody is like; ``value`` is JSON, ``null`` for a trait that was taken back."""

CONSENTS = pl.Schema(
    {
        "person_id": pl.String(),
        "topic": pl.String(),
        "channel": pl.String(),
        "occurred_at": INSTANT,
        "message_id": pl.String(),
        "granted": pl.Boolean(),
        "source": pl.String(),
        "dated": pl.Boolean(),
        "address_hash": pl.String(),
    }
)
"""One declaration: what may be talked about, where; ``*`` stands for every topic or channel.

``dated`` is whether it says itself when it was made: a grant that does not undoes no withdrawal.
``address_hash`` is that of the address it was made for, null where it was made for the person."""

ALLOWED = pl.Schema({"person_id": pl.String(), "topic": pl.String(), "channel": pl.String()})
"""What each person allows; whatever is not listed is not allowed."""
