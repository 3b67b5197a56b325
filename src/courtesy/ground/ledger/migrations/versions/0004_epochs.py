"""Epochs: which lake belongs to this ledger, and how far the ledger knows it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "epochs",
        sa.Column("epoch", sa.Text(), primary_key=True),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "landings",
        sa.Column("lake_table", sa.Text(), primary_key=True),
        sa.Column("inherited", sa.BigInteger(), nullable=False),
        sa.Column("landed", sa.BigInteger(), nullable=False),
        sa.Column("commits", sa.BigInteger(), nullable=False),
    )
