"""What was applied together is a release; journeys can be paused and stopped.

Versions of before are numbered by the moments at which they were applied. When one left that has no
successor is not known: it is taken for the last of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    number, text = sa.BigInteger(), sa.Text()
    op.add_column("definitions", sa.Column("release", number, nullable=False, server_default="0"))
    op.add_column("definitions", sa.Column("retired", number, nullable=True))
    op.create_table(
        "journey_states",
        sa.Column("journey", text, primary_key=True),
        sa.Column("state", text, nullable=False),
        sa.Column("since", number, nullable=False),
    )
    op.create_index("messages_journey", "messages", ["journey", "state"])
    connection = op.get_bind()
    moments = connection.scalars(
        sa.text("SELECT DISTINCT applied_at FROM definitions ORDER BY applied_at")
    ).all()
    for release, moment in enumerate(moments, start=1):
        connection.execute(
            sa.text("UPDATE definitions SET release = :release WHERE applied_at = :moment"),
            {"release": release, "moment": moment},
        )
    connection.execute(
        sa.text(
            "UPDATE definitions SET retired = coalesce(("
            "SELECT min(d.release) FROM definitions d WHERE d.kind = definitions.kind"
            " AND d.name = definitions.name AND d.version > definitions.version), :last)"
            " WHERE active = 0"
        ),
        {"last": len(moments) + 1},
    )
