"""Experiments: tests on steps, clusters, pilots with a frozen plan, what was learned."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("exposures", sa.Column("unit", sa.Text(), nullable=True))
    op.add_column("enrollments", sa.Column("tests", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("variant", sa.Text(), nullable=True))
    op.create_table(
        "pilots",
        sa.Column("experiment", sa.Text(), primary_key=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("definition_hash", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("kept", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "learnings",
        sa.Column("learning_id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("experiment", sa.Text(), nullable=False),
        sa.Column("learned_at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("hypothesis", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("learned", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
