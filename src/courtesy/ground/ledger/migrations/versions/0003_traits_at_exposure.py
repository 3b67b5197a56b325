"""People as they were when they were exposed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("exposures", sa.Column("traits", sa.Text(), nullable=True))
