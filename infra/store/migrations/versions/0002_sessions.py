"""Sessions of browsers and tokens of programs."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        *_person(),
        sa.Column("started", sa.String(length=32), nullable=False),
        sa.Column("seen", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
    )
    op.create_index("ix_session_person", "session", ["person"], unique=False)
    op.create_index("ix_session_seen", "session", ["seen"], unique=False)
    op.create_table(
        "token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_person(),
        sa.Column("scopes", sa.String(length=255), nullable=False),
        sa.Column("made", sa.String(length=32), nullable=False),
        sa.Column("expires", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_token")),
        sa.UniqueConstraint("id", name=op.f("uq_token_id")),
    )
    op.create_index("ix_token_person", "token", ["person"], unique=False)


def _person() -> Iterator[sa.Column[str]]:
    yield sa.Column("person", sa.String(length=255), nullable=False)
    yield sa.Column("person_name", sa.Text(), nullable=False)
    yield sa.Column("agency", sa.String(length=63), nullable=False)
    yield sa.Column("roles", sa.String(length=255), nullable=False)
    yield sa.Column("display_name", sa.Text(), nullable=False)
    yield sa.Column("email", sa.Text(), nullable=False)
    yield sa.Column("source", sa.String(length=32), nullable=False)
    yield sa.Column("checked", sa.String(length=32), nullable=False)
