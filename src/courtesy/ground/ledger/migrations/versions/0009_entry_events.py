"""The event by which somebody entered a journey; nobody knows it of those who entered before."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("entry_event_id", sa.Text(), nullable=True))
