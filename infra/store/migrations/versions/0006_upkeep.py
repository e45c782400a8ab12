"""Openings of deployments, their snapshots, and rebuilds of their servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for column in (
        sa.Column("openings", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("rebuilt", sa.String(length=36), nullable=False, server_default=""),
    ):
        op.add_column("deployment", column)
    op.create_table(
        "snapshot",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("deployment", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("archive", sa.Boolean(), nullable=False),
        sa.Column("who_name", sa.Text(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("image", sa.String(length=36), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note_vi", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('wanted', 'ready', 'failed', 'leaving', 'gone')", name=op.f("ck_snapshot_state")
        ),
        sa.ForeignKeyConstraint(["deployment"], ["deployment.id"], name=op.f("fk_snapshot_deployment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
    )
    op.create_index("ix_snapshot_deployment", "snapshot", ["deployment"], unique=False)
    op.create_index("ix_snapshot_state", "snapshot", ["state"], unique=False)
    op.create_table(
        "rebuild",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("deployment", sa.String(length=36), nullable=False),
        sa.Column("snapshot", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("note_vi", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('wanted', 'done', 'failed')", name=op.f("ck_rebuild_state")),
        sa.ForeignKeyConstraint(["deployment"], ["deployment.id"], name=op.f("fk_rebuild_deployment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rebuild")),
    )
    op.create_index("ix_rebuild_deployment", "rebuild", ["deployment", "created"], unique=False)
    wanted = sa.text("state = 'wanted'")
    op.create_index(
        "uq_rebuild_wanted", "rebuild", ["deployment"], unique=True, sqlite_where=wanted,
        postgresql_where=wanted,
    )  # fmt: skip
    op.create_table(
        "rebuild_step",
        sa.Column("rebuild", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.String(length=32), nullable=False),
        sa.Column("ended", sa.String(length=32), nullable=False),
        sa.Column("note_vi", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_rebuild_step_state")),
        sa.ForeignKeyConstraint(["rebuild"], ["rebuild.id"], name=op.f("fk_rebuild_step_rebuild")),
        sa.PrimaryKeyConstraint("rebuild", "attempt", "place", name=op.f("pk_rebuild_step")),
    )
