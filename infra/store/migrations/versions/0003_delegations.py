"""Delegations name who takes them, and can be ended before their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("taker_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("made", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("revoked", sa.String(length=32), nullable=False, server_default=""),
    ):
        op.add_column("delegation", column)
    op.create_index("ix_delegation_giver", "delegation", ["giver"], unique=False)
