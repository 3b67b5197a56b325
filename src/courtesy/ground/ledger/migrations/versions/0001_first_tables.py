"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _events()
    _profiles()
    _definitions()
    _audiences_and_journeys()
    _messages()


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _keyed(name: str, key: tuple[str, ...], *columns: sa.Column[str] | sa.Column[int]) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def _numbered(name: str, key: str, *columns: sa.Column[str] | sa.Column[int]) -> None:
    serial = sa.Column(key, _SERIAL, primary_key=True, autoincrement=True)
    op.create_table(name, serial, *columns, sqlite_autoincrement=True)


def _events() -> None:
    _keyed("sources", ("key_hash",), _text("key_hash"), _text("source"), _number("created_at"))
    body: sa.Column[bytes] = sa.Column("body", sa.LargeBinary(), nullable=False)
    op.create_table(
        "inbox",
        sa.Column("inbox_id", _SERIAL, primary_key=True, autoincrement=True),
        _text("source"),
        _number("received_at"),
        _number("history"),
        body,
        sqlite_autoincrement=True,
    )
    _numbered(
        "rejections",
        "rejection_id",
        _text("source"),
        _number("received_at"),
        _text("place"),
        _text("reason"),
        _text("body"),
    )
    _keyed("seen", ("message_id",), _text("message_id"))
    _keyed("progress", ("task",), _text("task"), _number("reached_at"))


def _profiles() -> None:
    _keyed("people", ("person_id",), _text("person_id"), _number("created_at"))
    _keyed("identifiers", ("kind", "value"), _text("kind"), _text("value"), _text("person_id"))
    op.create_index("identifiers_person", "identifiers", ["person_id"])
    _keyed("merges", ("person_id",), _text("person_id"), _text("into_id"), _number("merged_at"))
    op.create_index("merges_into", "merges", ["into_id"])
    _keyed(
        "traits",
        ("person_id", "name"),
        _text("person_id"),
        _text("name"),
        _text("value"),
        _number("occurred_at"),
    )
    _keyed(
        "consents",
        ("person_id", "topic", "channel", "occurred_at", "message_id"),
        _text("person_id"),
        _text("topic"),
        _text("channel"),
        _number("occurred_at"),
        _text("message_id"),
        _number("granted"),
        _text("source"),
    )
    _keyed(
        "suppressions",
        ("channel", "address_hash"),
        _text("channel"),
        _text("address_hash"),
        _text("reason"),
        _number("suppressed_at"),
    )


def _definitions() -> None:
    _keyed(
        "definitions",
        ("kind", "name", "version"),
        _text("kind"),
        _text("name"),
        _number("version"),
        _text("body"),
        _text("content_hash"),
        _number("active"),
        _number("applied_at"),
    )


def _audiences_and_journeys() -> None:
    _keyed(
        "memberships",
        ("audience", "person_id"),
        _text("audience"),
        _text("person_id"),
        _number("since"),
    )
    _keyed(
        "enrollments",
        ("enrollment_id",),
        _text("enrollment_id"),
        _text("journey"),
        _number("version"),
        _text("person_id"),
        _number("pass_number"),
        _text("arm"),
        _text("step"),
        _text("state"),
        _text("reason", null=True),
        _text("entry"),
        _number("entered_at"),
        _number("due_at", null=True),
        _number("ended_at", null=True),
    )
    op.create_index("enrollments_due", "enrollments", ["state", "due_at"])
    op.create_index("enrollments_person", "enrollments", ["person_id", "journey"])
    _keyed(
        "passages",
        ("enrollment_id", "step"),
        _text("enrollment_id"),
        _text("step"),
        _text("outcome"),
        _number("passed_at"),
    )
    _numbered(
        "exposures",
        "exposure_id",
        _text("experiment"),
        _text("person_id"),
        _text("arm"),
        _number("exposed_at"),
        _text("entry"),
    )
    op.create_index("exposures_unit", "exposures", ["experiment", "person_id"], unique=True)


def _messages() -> None:
    _keyed(
        "messages",
        ("message_id",),
        _text("message_id"),
        _text("enrollment_id"),
        _text("person_id"),
        _text("journey"),
        _number("version"),
        _text("step"),
        _text("arm"),
        _text("channel"),
        _text("topic"),
        _text("template"),
        _text("state"),
        _text("reason", null=True),
        _text("detail", null=True),
        _number("attempts"),
        _number("created_at"),
        _number("due_at"),
        _number("expires_at", null=True),
        _number("sent_at", null=True),
    )
    op.create_index("messages_due", "messages", ["state", "due_at"])
    op.create_index("messages_person", "messages", ["person_id", "sent_at"])
    _keyed(
        "receipts",
        ("message_id", "kind", "occurred_at"),
        _text("message_id"),
        _text("kind"),
        _number("occurred_at"),
        _text("detail"),
    )
