"""People who have signed in, and notices to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("roles", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("seen", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index("ix_person_agency", "person", ["agency"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=36), nullable=False),
        sa.Column("label", sa.String(length=127), nullable=False),
        sa.Column("occasion", sa.String(length=127), nullable=False),
        sa.Column("told_vi", sa.Text(), nullable=False),
        sa.Column("told_en", sa.Text(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("read", sa.String(length=32), nullable=False),
        sa.Column("mailed", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_about_kind", "notice", ["about", "kind"], unique=False)
    op.create_index("ix_notice_mailed_created", "notice", ["mailed", "created"], unique=False)
    op.create_index("ix_notice_person_created", "notice", ["person", "created"], unique=False)
