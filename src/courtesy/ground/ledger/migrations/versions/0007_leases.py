"""Leases of workers, whose claims of messages they are, and channels whose provider fails."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("worker", sa.Text(), primary_key=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
    )
    op.add_column("messages", sa.Column("worker", sa.Text(), nullable=True))
    op.create_table(
        "holds",
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("held_since", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
