"""Requests that change a deployment: which one, and how far it is; one at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "deployment_change",
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("deployment", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'making', 'undoing', 'ended')", name=op.f("ck_deployment_change_state")
        ),
        sa.ForeignKeyConstraint(
            ["deployment"], ["deployment.id"], name=op.f("fk_deployment_change_deployment")
        ),
        sa.ForeignKeyConstraint(["request"], ["request.id"], name=op.f("fk_deployment_change_request")),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_deployment_change")),
    )
    running = sa.text("state <> 'ended'")
    op.create_index(
        "ix_deployment_change_running", "deployment_change", ["deployment"], unique=True,
        sqlite_where=running, postgresql_where=running,
    )  # fmt: skip
