"""Who paused, resumed and stopped a journey, and when; and no policy is gone while people need one.

Before, applying a folder without a policy took it out of force under people who were inside: the
last one holds again where somebody is under way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LAST_POLICY = """
UPDATE definitions SET active = 1, retired = NULL
WHERE kind = 'policy'
  AND version = (SELECT max(d.version) FROM definitions d WHERE d.kind = 'policy')
  AND NOT EXISTS (SELECT 1 FROM definitions d WHERE d.kind = 'policy' AND d.active = 1)
  AND (EXISTS (SELECT 1 FROM enrollments e WHERE e.state = 'active')
       OR EXISTS (SELECT 1 FROM messages m
                  WHERE m.state IN ('queued', 'held', 'paused', 'sending', 'uncertain')))"""


def upgrade() -> None:
    number, text = sa.BigInteger(), sa.Text()
    op.create_table(
        "journey_changes",
        sa.Column("change_id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("journey", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("changed_at", number, nullable=False),
        sa.Column("changed_by", text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.execute(sa.text(_LAST_POLICY))
