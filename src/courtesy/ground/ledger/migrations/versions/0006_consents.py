"""What people declared: in one spelling, dated or not, and for their addresses.

Grants of before do not tell whether they say when they were given, so they undo no withdrawal.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

_KEY = ("person_id", "topic", "channel", "occurred_at", "message_id")

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    number, text = sa.BigInteger(), sa.Text()
    op.add_column("consents", sa.Column("dated", number, nullable=False, server_default="0"))
    op.add_column("messages", sa.Column("address_hash", text, nullable=True))
    op.create_index("messages_address", "messages", ["address_hash", "created_at"])
    op.create_table(
        "address_consents",
        sa.Column("channel", text, primary_key=True),
        sa.Column("address_hash", text, primary_key=True),
        sa.Column("topic", text, primary_key=True),
        sa.Column("occurred_at", number, primary_key=True),
        sa.Column("granted", number, primary_key=True),
    )
    for column in ("topic", "channel"):
        _respell(column)


def _respell(column: str) -> None:
    """Other letters, widths and spaces are no other name; a row that is there already goes."""
    connection, consents = op.get_bind(), sa.table("consents", *map(sa.column, _KEY))
    twin, name = consents.alias(), consents.c[column]
    for old in connection.scalars(sa.select(name).distinct()).all():
        new = " ".join(unicodedata.normalize("NFKC", old).casefold().split())
        if new != old:
            same = [twin.c[part] == consents.c[part] for part in _KEY if part != column]
            there = sa.exists().where(twin.c[column] == new, *same).correlate(consents)
            connection.execute(sa.delete(consents).where(name == old, there))
            connection.execute(sa.update(consents).where(name == old).values({column: new}))
